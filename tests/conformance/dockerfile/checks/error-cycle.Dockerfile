FROM busybox AS a
COPY --from=b x /
WORKDIR x
FROM busybox as b
COPY --from=a x /
