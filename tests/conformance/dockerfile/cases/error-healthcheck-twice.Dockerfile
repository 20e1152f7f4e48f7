FROM a
HEALTHCHECK --retries=1 --retries=2 CMD a
