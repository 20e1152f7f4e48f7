FROM alpine
RUN --mount=size=1m,type=tmpfs,target=/x true
