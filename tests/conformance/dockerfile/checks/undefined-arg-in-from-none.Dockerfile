ARG A=busybox
ARG B
FROM --platform=$BUILDPLATFORM ${A}$B
