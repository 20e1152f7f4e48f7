FROM alpine
ENV a=${b%\a}
