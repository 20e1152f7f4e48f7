FROM busybox AS a
COPY --from=b x y
FROM busybox AS b
RUN c
FROM busybox
COPY --from=a x y
