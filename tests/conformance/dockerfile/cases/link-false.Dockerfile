FROM a
COPY --link=false x /y
COPY --link=TRUE x /y
