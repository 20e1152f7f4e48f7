FROM busybox AS a
ONBUILD COPY --from=b x y
FROM a AS b
