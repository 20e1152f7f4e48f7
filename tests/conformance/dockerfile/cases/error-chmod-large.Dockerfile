FROM a
COPY --chmod=10000 a b
