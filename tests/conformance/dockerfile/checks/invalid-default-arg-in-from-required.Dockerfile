ARG A=${B:?needed}
ARG B
FROM busybox$A
