# check=error=yes
FROM busybox
