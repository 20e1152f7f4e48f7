FROM a
HEALTHCHECK --retries=x CMD a
