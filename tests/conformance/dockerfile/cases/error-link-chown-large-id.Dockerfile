FROM a
COPY --link --chown=2147483648 x /y
