FROM \
  busybox \
 AS x
RUN a
