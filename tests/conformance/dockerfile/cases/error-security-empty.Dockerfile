FROM a
ARG N=none S=sandbox
RUN --security= x
