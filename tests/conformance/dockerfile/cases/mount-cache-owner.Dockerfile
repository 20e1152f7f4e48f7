FROM a AS one
FROM b
RUN --mount=type=cache,target=/c,uid=1 a
RUN --mount=type=cache,target=/c,gid=2 a
RUN --mount=type=cache,target=/c,mode=0 a
RUN --mount=type=cache,target=/c,mode=0777,uid=1,gid=2 a
RUN --mount=type=cache,target=/c,uid=1,source=s a
RUN --mount=type=cache,target=/c,from=one,uid=1 a
RUN --mount=type=cache,target=/c,from=one,mode=700,source=/x a
RUN --mount=type=cache,target=/c,mode=7777 a
