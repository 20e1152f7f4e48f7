FROM a
ARG N=none S=sandbox
RUN --network=$N x
