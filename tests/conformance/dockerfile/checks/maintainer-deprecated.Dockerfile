FROM busybox
MAINTAINER me
# check=skip=MaintainerDeprecated
MAINTAINER you
maintainer we
