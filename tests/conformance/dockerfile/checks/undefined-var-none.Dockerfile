FROM busybox
ARG A
ARG B=$PATH
ENV C=$A$B D=$PATH
RUN $X && ${Y}
COPY --from=busybox $C /
HEALTHCHECK CMD $Z
LABEL a='$no' b=\$no
