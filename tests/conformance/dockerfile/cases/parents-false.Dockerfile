FROM a
COPY --parents=false a/b /to/
COPY --parents=true a/b /to/
