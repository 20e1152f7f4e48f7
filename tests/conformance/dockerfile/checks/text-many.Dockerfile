FROM busybox
ENV A0 b
ENV A1 b
ENV A2 b
ENV A3 b
ENV A4 b
ENV A5 b
ENV A6 b
ENV A7 b
ENV A8 b
RUN x \
  y \
  z
WORKDIR \

  q
CMD x
