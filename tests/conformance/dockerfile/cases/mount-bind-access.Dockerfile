FROM a
RUN --mount=target=/x a
RUN --mount=target=/x,rw a
RUN --mount=target=/x,rw=false a
RUN --mount=target=/x,ro=0 a
RUN --mount=target=/x,rw,ro a
RUN --mount=target=/x,ro,rw a
RUN --mount=type=cache,target=/x,ro a
