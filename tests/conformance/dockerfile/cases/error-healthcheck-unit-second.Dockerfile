FROM a
HEALTHCHECK --interval=5s5 CMD a
