ARG BASE=busybox
ARG TAG=1
FROM ${BASE}:$TAG AS a
FROM ${NONE:-busybox}
FROM a
