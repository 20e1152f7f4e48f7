FROM scratch
ADD rootfs.tar /
RUN ["/bin/x"]
