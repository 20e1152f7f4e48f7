FROM a AS one
ADD http://h.example/x /y
FROM a
ADD http://h.example/x /y
COPY --from=one / /one
