FROM a
COPY --link=1 a b
