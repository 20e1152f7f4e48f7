FROM a
ARG MODE
COPY --link --chmod=$MODE x /y
