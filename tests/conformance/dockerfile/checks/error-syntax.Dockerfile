# check=error=true
FROM busybox as x
MAINTAINER y
COPPY a b
MAINTAINER z
