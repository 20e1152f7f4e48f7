FROM busybox
COPY --from=withonbuild /a /b
