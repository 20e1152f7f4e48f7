FROM busybox
WORKDIR x
ENV A=$Y B=${Z:?no} C=$W
CMD x
