FROM busybox
RUN a \
  b \
  c
COPPY a \
  b
