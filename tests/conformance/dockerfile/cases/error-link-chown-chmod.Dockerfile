FROM a
COPY --link --chown=me --chmod=644 x /y
