ARG VERSIN=1
ARG EMPTY
FROM busybox:${VERSION:-2}
FROM busybox${EMPTY}
FROM busybox:$VERSIN AS x
FROM --platform=${BUILDPLATFROM:-linux/amd64} busybox${UNKNOWN_THING}
