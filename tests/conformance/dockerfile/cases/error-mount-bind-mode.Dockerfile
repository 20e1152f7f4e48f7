FROM alpine
RUN --mount=type=bind,target=/a,mode=7 true
