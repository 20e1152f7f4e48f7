FROM a
WORKDIR /w
RUN --mount=target=x a
RUN --mount=target=../x a
RUN --mount=target=. a
RUN --mount=type=cache a
RUN --mount=target=/a/../b// a
RUN --mount=dst=./x --mount=destination=/y a
RUN --mount=target=/b --mount=target=/a --mount=target=/a a
