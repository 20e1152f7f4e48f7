FROM alpine
RUN --mount=target=/x,ro=maybe true
