FROM alpine
ENV a=${b:zc}
