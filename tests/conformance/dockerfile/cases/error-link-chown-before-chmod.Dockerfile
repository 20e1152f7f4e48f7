FROM a
COPY --link --chown=me --chmod=9 x /y
