FROM busybox
COPY --from=scratch / /x
