# escape=\
# check=skip=FromAsCasing;error=false
FROM busybox as Bad
MAINTAINER x
WORKDIR y
CMD z
