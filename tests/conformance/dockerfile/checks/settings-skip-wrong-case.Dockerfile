# check=skip=fromascasing
FROM busybox as Bad
MAINTAINER x
WORKDIR y
CMD z
