FROM busybox
ONBUILD RUN echo later
ONBUILD   COPY   a b
onbuild ENV A=$B
LABEL a=b
