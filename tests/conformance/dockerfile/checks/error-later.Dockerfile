FROM busybox AS a
WORKDIR x
COPY --from=b x /
CMD x
FROM busybox as b
