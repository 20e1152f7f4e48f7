FROM a
COPY --chmod=u+x, a b
