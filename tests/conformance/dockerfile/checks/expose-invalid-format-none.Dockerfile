FROM busybox
EXPOSE 80 81/udp 82-83
