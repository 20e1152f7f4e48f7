FROM --platform=$BUILDPLATFORM busybox AS a
FROM --platform=$TARGETOS/$TARGETARCH busybox AS b
FROM --platform=${TARGETPLATFORM}/v2 busybox AS c
FROM --platform=${TARGETPLATFORM:+linux/arm64} busybox AS d
