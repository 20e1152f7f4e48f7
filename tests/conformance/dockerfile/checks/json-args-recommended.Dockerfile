FROM busybox
cmd a b
ENTRYPOINT a b
FROM busybox
SHELL ["/bin/bash", "-c"]
CMD a
FROM withconfig
CMD a
ENTRYPOINT ["a"
