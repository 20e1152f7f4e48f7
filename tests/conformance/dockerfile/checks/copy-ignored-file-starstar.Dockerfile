FROM busybox
COPY . /
COPY / /
