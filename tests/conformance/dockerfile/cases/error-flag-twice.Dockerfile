FROM busybox
COPY --chown=a --chown=b b c
