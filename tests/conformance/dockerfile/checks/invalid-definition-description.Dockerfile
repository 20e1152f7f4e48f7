# check=experimental=all
# bar this is the bar
ARG foo=bar
# BasE this is the BasE image
FROM scratch AS base
# definitely a bad comment
ARG version=latest
# definitely a bad comment
ARG a b=1
# x
ARG c
#
ARG d
# unnamed
FROM base
# one
# e two
#  three
ARG e
