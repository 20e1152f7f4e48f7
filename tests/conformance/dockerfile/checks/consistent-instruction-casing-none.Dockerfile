arg X
FROM busybox
RUN a
