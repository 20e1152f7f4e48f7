# check=experimental=InvalidDefinitionDescription;skip=all
# bar is
ARG foo=bar
FROM scratch as X
