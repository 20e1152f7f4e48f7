FROM a AS one
FROM b
RUN --mount=type=ssh,from=one a
RUN --mount=type=ssh,from=c,id=x a
