arg X=1
from busybox
run a
COPY b /
EnV c=d
cmd ["x"]
