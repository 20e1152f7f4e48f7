FROM busybox
ENV A=src U=5 M=0700
COPY --chown=$U:${U} --chmod=$M $A/* /${A}/
