# syntax=docker/dockerfile:1
# escape=\
# check=skip=all
# plain
FROM busybox
RUN a
