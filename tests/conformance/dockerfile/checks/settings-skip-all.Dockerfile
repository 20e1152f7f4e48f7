# check=skip=all
FROM busybox as Bad
MAINTAINER x
WORKDIR y
CMD z
