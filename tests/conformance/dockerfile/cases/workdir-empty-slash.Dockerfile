FROM alpine
WORKDIR /p/q/
WORKDIR ${NONE}
RUN true
