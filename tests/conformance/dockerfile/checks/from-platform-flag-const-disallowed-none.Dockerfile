FROM --platform=linux/amd64 busybox AS on-linux
FROM --platform=linux/amd64 busybox AS x.amd64
FROM --platform=$BUILDPLATFORM busybox
