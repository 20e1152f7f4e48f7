FROM alpine
RUN --mount=type=cache,target=/a"b true
