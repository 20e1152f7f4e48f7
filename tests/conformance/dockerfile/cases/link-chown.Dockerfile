FROM a
COPY --link --chown=1:2 x /y
COPY --link --chown=user:group x /y
