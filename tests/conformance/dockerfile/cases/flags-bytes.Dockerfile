FROM alpine
COPY --chown=é:b a b
RUN --network=none echo é
