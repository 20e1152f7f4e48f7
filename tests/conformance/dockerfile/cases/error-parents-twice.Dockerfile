FROM a
COPY --parents --parents=false a b
