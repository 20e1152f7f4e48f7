# check=skip=FromAsCasing, WorkdirRelativePath
FROM busybox as Bad
MAINTAINER x
WORKDIR y
CMD z
