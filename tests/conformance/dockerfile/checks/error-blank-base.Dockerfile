ARG X
FROM busybox as a
FROM $X as b
WORKDIR x
