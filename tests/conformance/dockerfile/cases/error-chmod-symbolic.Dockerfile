FROM alpine
COPY --chmod=u+k a b
