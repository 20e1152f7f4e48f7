FROM --platform=linux/amd64 busybox AS a
FROM --platform=linux busybox AS b
FROM --platform=x86_64 a
FROM --platform=linux/arm64/v8 a AS arm
FROM --platform=amd64 busybox AS am
