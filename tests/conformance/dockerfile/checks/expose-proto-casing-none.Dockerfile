FROM busybox
EXPOSE 80 80/tcp 81-82/udp
