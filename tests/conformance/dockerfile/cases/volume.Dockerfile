FROM busybox
ENV V=/v
VOLUME /a $V
VOLUME ["/c", "/d e"]
