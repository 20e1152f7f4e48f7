FROM a
ARG M=600
COPY --chmod=$M x /y
ADD --chmod=${M}${NONE} x /y
