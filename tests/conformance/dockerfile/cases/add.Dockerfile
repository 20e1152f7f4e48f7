FROM busybox
ADD a.tar /x
ADD --unpack=false b.tar /y
ADD --chown=0 c /z
