FROM alpine AS x
FROM alpine
RUN --mount=type=secret,id=a,from=x true
