FROM a
RUN --mount=type=tmpfs,target=/x,"size=1 k b" a
