FROM a
RUN --mount=type=tmpfs,target=/x,size=0 a
RUN --mount=type=tmpfs,target=/x,size=1 a
RUN --mount=type=tmpfs,target=/x,size=1b a
RUN --mount=type=tmpfs,target=/x,size=10k a
RUN --mount=type=tmpfs,target=/x,size=10K a
RUN --mount=type=tmpfs,target=/x,size=1KB a
RUN --mount=type=tmpfs,target=/x,size=1KiB a
RUN --mount=type=tmpfs,target=/x,size=1.5m a
RUN --mount=type=tmpfs,target=/x,size=1 g a
RUN --mount=type=tmpfs,target=/x,size=.5g a
RUN --mount=type=tmpfs,target=/x,size=2t a
RUN --mount=type=tmpfs,target=/x,size=0.1p a
RUN --mount=type=tmpfs,target=/x,size=1e3 a
RUN --mount=type=tmpfs,target=/x,size=007 a
RUN --mount=type=tmpfs,target=/x,size=+1 a
RUN --mount=type=tmpfs,target=/x,size=-0 a
RUN --mount=type=tmpfs,target=/x,size=1e-1k a
RUN --mount=type=tmpfs,target=/x,size=1.e1 a
