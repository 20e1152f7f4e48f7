FROM busybox AS a
ONBUILD WORKDIR x
ONBUILD ENV A=$B
onbuild CMD a
Onbuild arg KEY
FROM a
CMD b
ENV C=$KEY
