from busybox
RUN a
