FROM busybox
ARG A=x
COPY --from=$A x y
