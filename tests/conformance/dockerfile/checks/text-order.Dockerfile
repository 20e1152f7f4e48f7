FROM busybox as a
WORKDIR x
FROM busybox as b
MAINTAINER m
RUN \

 x
