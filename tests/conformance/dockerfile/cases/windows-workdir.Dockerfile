FROM alpine
WORKDIR /a/b/
WORKDIR c/d/
WORKDIR C:/e/
COPY x a/
RUN x
