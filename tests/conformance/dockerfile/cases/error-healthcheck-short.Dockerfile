FROM alpine
HEALTHCHECK --interval=3us CMD x
