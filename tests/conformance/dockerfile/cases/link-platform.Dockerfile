FROM --platform=linux/arm64 a
COPY --link --chown=me x /y
RUN z
