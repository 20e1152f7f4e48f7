MAINTAINER x
FROM busybox as x
