FROM a
RUN --device=v.com/x --network=host --security=insecure --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=type=secret,id=s,env=S x
