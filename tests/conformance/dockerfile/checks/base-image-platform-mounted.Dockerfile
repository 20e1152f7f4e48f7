FROM busybox
RUN --mount=from=arm64image,target=/x a
