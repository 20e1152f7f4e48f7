FROM busybox
ENV a=b
ENV a=b c=d
LABEL a="b c"
ENV -- k=v
