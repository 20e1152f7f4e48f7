FROM busybox
ADD --unpack=maybe b c
