FROM busybox
# A ä ö
ARG A=äöü
# BB x	y
ARG BB=1
ARG LONG_NAME_OF_IT=1
