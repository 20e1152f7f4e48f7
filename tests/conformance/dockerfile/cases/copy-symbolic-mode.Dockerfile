FROM alpine
COPY --chmod=u+rwX,go= a b
COPY --chmod=a=r,g+u-x a b
