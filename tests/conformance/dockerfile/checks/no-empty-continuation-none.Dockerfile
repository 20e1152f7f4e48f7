FROM busybox
RUN a \
# comment
  b

RUN <<A

x \

A
RUN x \
