FROM busybox
COPY . /
COPY / /
COPY a/b /x
