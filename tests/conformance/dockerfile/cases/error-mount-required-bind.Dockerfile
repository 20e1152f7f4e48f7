FROM a
RUN --mount=target=/x,required x
