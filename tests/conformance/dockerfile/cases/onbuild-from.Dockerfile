FROM busybox AS tools
RUN make
FROM alpine AS base
ONBUILD COPY --from=tools /a /b
ONBUILD COPY --from=debian /c /d
ONBUILD RUN --mount=from=golang,target=/go true
FROM base
RUN x
