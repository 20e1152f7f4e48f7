FROM a
RUN --mount=type=tmpfs,target=/x,"size=1b2" a
