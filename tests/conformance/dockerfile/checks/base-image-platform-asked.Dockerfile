FROM --platform=linux/arm64/v8 arm64image AS arm64
FROM --platform=$BUILDPLATFORM busybox
COPY --from=arm64 /x /
