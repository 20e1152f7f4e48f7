FROM alpine
RUN --mount=target=/x,sharing=shared true
