FROM a
COPY --link --chown=1:2:3 x /y
