# VERSION of the base
ARG VERSION=1
ARG UNUSED=2
# VENDOR who
# DISTRO what
ARG DISTRO=${VENDOR:-x}-$VERSION
ARG GIVEN
# base is what all build on
FROM busybox:$DISTRO AS base
# NAME of it
ARG NAME=world
ARG UNUSED
RUN --mount=type=secret,id=first,required --mount=type=secret,target=/etc/second x
FROM busybox AS other
ARG OTHER=1
RUN --mount=type=ssh x
FROM busybox AS unneeded
ARG NOTSEEN
# result is the last
#   one
FROM base AS result
ARG NAME
ARG DEEP=$NAME!
ARG GIVEN
ARG TARGETARCH
ARG PLAIN
ARG VERSION
RUN --mount=type=ssh,id=key,required=true --mount=type=secret,source=$NAME x
RUN --mount=type=secret,id=first x
COPY --from=other a /
