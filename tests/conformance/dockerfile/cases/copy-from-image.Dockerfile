FROM busybox
COPY --from=alpine:3.20 /etc/os-release /x
COPY --from=alpine:3.20 /etc/passwd /y
