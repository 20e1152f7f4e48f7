FROM alpine
WORKDIR /a/b/
WORKDIR c/d/
WORKDIR C:/e/
RUN x
