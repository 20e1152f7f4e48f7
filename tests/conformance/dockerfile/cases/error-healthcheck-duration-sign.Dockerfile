FROM a
HEALTHCHECK --timeout=- CMD a
