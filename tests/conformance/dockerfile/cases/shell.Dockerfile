FROM busybox
SHELL ["/bin/ash", "-ec"]
RUN a
CMD b
ENTRYPOINT c
