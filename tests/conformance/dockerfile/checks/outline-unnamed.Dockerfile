# x y
ARG x=
FROM busybox
ARG long_name=withvalue
