FROM busybox as X 1
MAINTAINER x
