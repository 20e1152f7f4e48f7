FROM busybox AS a
FROM a
RUN x
