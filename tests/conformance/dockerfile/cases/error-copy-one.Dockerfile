FROM busybox

COPY a
