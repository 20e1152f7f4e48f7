FROM a
HEALTHCHECK --retries=-0 CMD x
HEALTHCHECK --retries=+7 CMD x
HEALTHCHECK --retries=2147483647 CMD y
HEALTHCHECK --interval= --retries= CMD x
