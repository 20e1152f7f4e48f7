FROM busybox AS scratch
FROM busybox AS Context
FROM busybox AS scratch
