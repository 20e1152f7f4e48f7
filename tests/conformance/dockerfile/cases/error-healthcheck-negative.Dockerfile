FROM a
HEALTHCHECK --start-period=-5s CMD a
