# check=skip=FromAsCasing;error=false;experimental=A;skip=all
FROM busybox as Bad
MAINTAINER x
WORKDIR y
CMD z
