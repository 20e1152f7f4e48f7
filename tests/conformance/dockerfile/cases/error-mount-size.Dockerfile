FROM alpine
RUN --mount=type=tmpfs,target=/a,size=1x true
