FROM busybox AS scratch2
FROM scratch AS contexts
COPY a /
