FROM withonbuild AS unused
FROM busybox
RUN x
