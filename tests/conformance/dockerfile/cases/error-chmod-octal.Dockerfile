FROM a
COPY --chmod=08 a b
