FROM busybox AS used
FROM emptyimage
COPY --from=used a /
