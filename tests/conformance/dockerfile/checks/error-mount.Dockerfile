FROM busybox
RUN --mount=type=cache,id=$A,target=/x$B,what=$C x
WORKDIR x
