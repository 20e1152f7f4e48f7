FROM alpine
COPY a b
RUN --mount=type=tmpfs,target=/tmp --mount=type=tmpfs,target=/big,size=1.5Gb --mount=type=tmpfs,target=/k,size=10kib true
