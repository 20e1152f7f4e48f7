FROM a
HEALTHCHECK --timeout=x CMD a
