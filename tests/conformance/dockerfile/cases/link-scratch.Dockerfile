FROM scratch
COPY --link x /y
COPY --link z /
USER me
WORKDIR /w
