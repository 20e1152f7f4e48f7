FROM alpine
ENV HERE=/x
RUN --mount=type=cache,target=${HERE}/y make
