FROM busybox
WORKDIR /a
WORKDIR b
WORKDIR ../c/
RUN pwd
WORKDIR /
COPY x .
WORKDIR a//b
COPY x y ./
