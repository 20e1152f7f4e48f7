# first is first
FROM busybox AS first
# Second with capitals
# second without
FROM --platform=$BUILDPLATFORM first AS Second
FROM $X
FROM scratch AS last
COPY --from=first a /
