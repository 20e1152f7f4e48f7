FROM a
RUN --mount=type=,target=/x x
