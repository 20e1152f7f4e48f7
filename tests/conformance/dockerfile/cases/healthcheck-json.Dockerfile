FROM alpine
HEALTHCHECK CMD ["a","b c"]
