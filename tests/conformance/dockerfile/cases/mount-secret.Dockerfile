FROM alpine
RUN --mount=type=secret,id=token cat /run/secrets/token
RUN --mount=type=secret,id=a/b/c,required --mount=type=secret,target=/etc/key,mode=0444 true
RUN --mount=type=secret,id=t,env=TOKEN --mount=type=secret,source=u,env=OTHER,target=/o,required=true,uid=3 echo $TOKEN ${OTHER} $PATH
RUN --mount=type=ssh git clone
RUN --mount=type=ssh,id=other,required --mount=type=ssh,target=/agent,uid=1,gid=2,mode=0666 git clone
