  # check=skip=FromAsCasing
FROM busybox as Bad
MAINTAINER x
WORKDIR y
CMD z
