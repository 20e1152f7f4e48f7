FROM alpine
WORKDIR /p/
WORKDIR q/../r/
RUN true
WORKDIR //x/./y
RUN true
COPY a /d/../e/
