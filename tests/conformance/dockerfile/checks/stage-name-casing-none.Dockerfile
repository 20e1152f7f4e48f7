FROM busybox AS base
FROM base
