FROM a
COPY --FROM=x y z
