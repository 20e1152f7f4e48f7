FROM busybox
COPY --chmod=99 a b
