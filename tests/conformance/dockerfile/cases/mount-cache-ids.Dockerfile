FROM a
RUN --mount=type=cache,target=/c a
RUN --mount=type=cache,target=/c/ a
RUN --mount=type=cache,target=c a
RUN --mount=type=cache,target=/c,id=/x/../y a
RUN --mount=type=cache,target=/c,id= a
RUN --mount=type=cache,target=/a/../c a
RUN --mount=type=cache,target=/c,id=x,sharing=LOCKED a
RUN --mount=type=cache,target=/c,sharing=private a
