FROM a
HEALTHCHECK --start-interval=999us CMD a
