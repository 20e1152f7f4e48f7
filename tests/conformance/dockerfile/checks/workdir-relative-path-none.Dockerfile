FROM busybox AS a
WORKDIR /abs
WORKDIR rel
FROM a
WORKDIR rel
