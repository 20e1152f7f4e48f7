# check=skip=all
FROM busybox as x
WORKDIR x
