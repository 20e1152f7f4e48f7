FROM busybox
COPY . /
COPY / /
COPY *.txt foobar /
ADD x/x.log /
