FROM --platform=linux/arm64 busybox
RUN a
FROM --platform=linux/arm/v7 scratch
COPY --from=0 /a /b
