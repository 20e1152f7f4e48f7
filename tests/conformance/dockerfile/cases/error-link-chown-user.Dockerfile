FROM a
RUN x
COPY --link \
  --chown=me x /y
