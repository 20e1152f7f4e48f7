FROM busybox AS a
RUN --network=host --mount=type=cache,target=/c,sharing=locked x
FROM a
COPY --chown=1:2 --chmod=755 --exclude=*.x . /
RUN --mount=type=tmpfs,target=/t,size=1m --mount=type=secret,id=s,mode=0444 y
USER 5
WORKDIR /w
