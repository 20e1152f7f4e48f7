FROM a
RUN x
RUN --mount=type=tmpfs,target=/a --mount=type=cache,target=/z y
RUN --mount=type=cache,target=/dev/shm y
