FROM busybox AS a
FROM busybox AS b
FROM busybox AS A
FROM busybox AS a
