FROM a
ENV A=1
RUN --mount=type=cache,target=/c --network=none <<EOF
#!/bin/sh
echo $A
EOF
RUN --mount=type=secret,id=s,env=A <<EOF
echo $A ${B}
second
EOF
