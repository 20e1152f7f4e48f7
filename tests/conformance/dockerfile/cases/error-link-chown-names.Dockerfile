FROM a
COPY --link --chown=user:group x /y
