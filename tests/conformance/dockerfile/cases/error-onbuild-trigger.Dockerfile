FROM busybox
RUN a
FROM badonbuild
RUN b
