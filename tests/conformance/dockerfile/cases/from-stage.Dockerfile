FROM busybox AS base
ENV A=1
ARG X=2
RUN one
FROM base
RUN two
FROM base AS last
RUN three $X
