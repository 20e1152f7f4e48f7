FROM a
RUN --mount=type=tmpfs,target=/x,"size=-1" a
