FROM a
RUN --mount=type=cache,target=/c --mount=type=ssh --mount=type=secret,id=s,env=S --network=host --security=insecure x $S
FROM b
RUN --device=v.com/x <<E
#!/bin/sh
E
