FROM alpine AS a
RUN true
RUN --mount=from=b,target=/x true
FROM alpine AS b
FROM a
COPY --from=b x y
