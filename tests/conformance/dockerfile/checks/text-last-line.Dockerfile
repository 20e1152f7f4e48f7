FROM busybox
RUN x
CMD x