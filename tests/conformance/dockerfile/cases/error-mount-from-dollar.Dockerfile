FROM a AS one
FROM b
RUN --mount=from=one$,target=/x a
