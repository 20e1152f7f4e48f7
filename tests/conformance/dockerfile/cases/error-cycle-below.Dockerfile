FROM alpine AS a
FROM alpine
COPY --from=b / /
FROM alpine AS b
RUN --mount=from=b,target=/b true
