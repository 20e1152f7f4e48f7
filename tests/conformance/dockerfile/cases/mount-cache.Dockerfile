FROM alpine
RUN --mount=type=cache,target=/root/.cache make
RUN --mount=type=cache,target=/a/,id=name,sharing=locked --mount=type=cache,target=b,sharing=private,ro make
RUN --mount=type=cache,target=/c,uid=1000,gid=1001,mode=0700 --mount=type=cache,target=/d,from=busybox,source=/etc,uid=5 make
RUN --mount=type=cache,target=/e,from=busybox,mode=01777 make
