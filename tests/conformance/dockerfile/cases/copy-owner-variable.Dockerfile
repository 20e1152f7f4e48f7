FROM a
ARG U=5
COPY --chown=$U:${G:-6} x /y
COPY --chown=$NONE x /y
ADD --chown="$U" x /y
