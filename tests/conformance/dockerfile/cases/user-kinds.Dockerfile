FROM a
ARG U=me
USER $U:${G:-g}
RUN x
USER "a b"
RUN x
USER 0
USER a b c
