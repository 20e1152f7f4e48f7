FROM --platform=linux/arm64 a
COPY --link --chown=7 x /y
RUN z
