FROM a AS one
COPY --link x /y
FROM b AS two
COPY --link x /y
COPY --from=one / /one
