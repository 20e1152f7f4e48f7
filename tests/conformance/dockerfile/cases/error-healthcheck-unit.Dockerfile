FROM a
HEALTHCHECK --interval=5x CMD a
