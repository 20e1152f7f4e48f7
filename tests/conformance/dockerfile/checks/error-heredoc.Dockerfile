FROM busybox as x
RUN <<E
x
