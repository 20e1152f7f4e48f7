FROM a
RUN --mount=type=tmpfs,target=/x,ro a
RUN --mount=type=tmpfs,target=/x,rw a
RUN --mount=type=tmpfs,target=/x,readonly=false,size=1k a
RUN --mount=type=tmpfs,target=/x,readwrite=0 a
