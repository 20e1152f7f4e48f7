FROM nosuch AS unused
RUN x
FROM busybox
RUN y
