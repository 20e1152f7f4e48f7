FROM alpine
RUN --network=none true
RUN --network=host --security=insecure true
RUN --network=default --security=sandbox true
