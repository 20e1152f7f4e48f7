FROM busybox AS a
RUN x
FROM a
COPY y z
RUN w
