FROM busybox
COPY --chown b c
