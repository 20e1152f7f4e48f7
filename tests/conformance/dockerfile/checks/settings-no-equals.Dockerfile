# check=skip=a;error
FROM busybox
