FROM busybox
RUN a \
  && b \
  # a comment

  && c\
  d
RUN \
  x
