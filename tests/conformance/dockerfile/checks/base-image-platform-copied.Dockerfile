ARG N=image
FROM busybox
COPY --from=arm64image /x /
