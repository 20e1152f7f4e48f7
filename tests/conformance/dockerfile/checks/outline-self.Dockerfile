ARG A=1
ARG B=$A
ARG A=$A$B
FROM busybox:$A
