FROM a AS one
RUN --mount=type=tmpfs,target=/x,source=y a
RUN --mount=type=tmpfs,target=/x,source=/ a
FROM b
RUN --mount=type=tmpfs,target=/x,from=one,source=y,ro,size=5 a
RUN --mount=type=tmpfs,target=/x,from=c:1 a
