FROM a AS one
FROM b
RUN --mount=type=ssh --mount=type=secret,id=s --mount=type=cache,target=/z --mount=from=one,target=/m,rw --mount=target=/c --mount=type=tmpfs,target=/a --mount=type=ssh,id=two,target=/agent --mount=type=secret,id=t,env=T a $T
