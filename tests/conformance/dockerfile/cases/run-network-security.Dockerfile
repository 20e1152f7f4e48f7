FROM a
RUN --network=none --security=insecure x
RUN --network=host --security=sandbox x
RUN --network=default x
RUN --security=sandbox x
RUN --security=insecure --network=default --mount=type=tmpfs,target=/t x
