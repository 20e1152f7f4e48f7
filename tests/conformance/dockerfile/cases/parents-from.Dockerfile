FROM a AS one
FROM b
COPY --parents --from=one /x/./y /z
