FROM alpine
EXPOSE  80
COPY  a b
