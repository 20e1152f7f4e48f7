FROM a
RUN --mount=type=tmpfs,target=/x,uid=1 x
