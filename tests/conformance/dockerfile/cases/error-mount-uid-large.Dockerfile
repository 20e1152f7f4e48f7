FROM a
RUN --mount=type=cache,target=/x,uid=4294967296 x
