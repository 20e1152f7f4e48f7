FROM a AS one
COPY --link x /x
FROM one AS two
COPY --link y /y
FROM two
COPY --link --from=one /x /z
