FROM a AS one
RUN x
FROM one
RUN --network=none y
RUN --network=host ["z"]
RUN --network=default w
