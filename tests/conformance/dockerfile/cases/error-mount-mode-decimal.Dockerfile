FROM a
RUN --mount=type=cache,target=/x,mode=8 x
