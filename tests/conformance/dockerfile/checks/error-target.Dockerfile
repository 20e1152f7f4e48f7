FROM busybox as a
WORKDIR x
