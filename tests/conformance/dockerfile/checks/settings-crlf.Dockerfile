# check=skip=FromAsCasing
FROM busybox as Bad
RUN \

 x
