FROM busybox
ENV A  spaced   value
LABEL "k" v
