FROM busybox
ENV a b
env c d=e f
LABEL a b c
ENV a\ b c
LABEL "x" z
ENV -- k v
env "a"b = c
