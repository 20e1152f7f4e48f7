# check=experimental=all
  # foo this
ARG foo=bar
 # bar that
ARG bar
FROM scratch
