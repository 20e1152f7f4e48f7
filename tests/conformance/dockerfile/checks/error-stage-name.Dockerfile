FROM busybox as 1X
