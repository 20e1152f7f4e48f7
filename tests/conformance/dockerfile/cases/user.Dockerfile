FROM busybox
USER app
WORKDIR /home/app
RUN a
USER 1000:1000
WORKDIR /x
USER root
RUN b
