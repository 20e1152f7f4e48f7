FROM a
ARG N=none S=sandbox
RUN --user=x x
