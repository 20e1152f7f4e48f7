FROM --platform=$TARGETPLATFORM busybox AS a
FROM --platform=${TARGETPLATFORM} busybox AS b
FROM --platform=${TARGETPLATFORM:-x} busybox AS c
FROM --platform="$TARGETPLATFORM" busybox AS d
