FROM busybox AS One
RUN a
FROM one AS two
RUN b
FROM two
RUN c
