# check=experimental=all
# foo this is the foo
ARG foo=bar
# base this is the base image
FROM scratch AS base
# comment

# version of it
ARG version=latest
# b x
ARG a b
# comment
#
ARG c
RUN x
# target
FROM base AS target
