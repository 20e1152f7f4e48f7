FROM busybox
LABEL a="é<&>b  b"
CMD x
