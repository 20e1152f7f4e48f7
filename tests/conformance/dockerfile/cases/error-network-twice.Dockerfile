FROM a
ARG N=none S=sandbox
RUN --network=none --network=host x
