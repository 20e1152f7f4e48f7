ARG B
FROM alpine
RUN --mount=from=$B,target=/x true
