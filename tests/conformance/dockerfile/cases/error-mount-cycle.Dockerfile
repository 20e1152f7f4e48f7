FROM alpine AS a
RUN --mount=from=b,target=/x true
FROM a AS b
