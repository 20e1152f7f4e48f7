FROM a
COPY --link --chown=1000:staff x /y
