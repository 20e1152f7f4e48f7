# check=error=true
FROM busybox
WORKDIR x
WORKDIR y
FROM busybox
WORKDIR z
