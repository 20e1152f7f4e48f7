FROM alpine
ONBUILD RUN echo onbuild > /onbuild/onbuild2
onbuild  copy onbuild /
