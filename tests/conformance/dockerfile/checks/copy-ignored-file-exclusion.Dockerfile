FROM busybox
COPY Dockerfile .
