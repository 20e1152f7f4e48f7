FROM a
RUN --mount=type=ssh,id= a
RUN --mount=type=ssh,id=x a
RUN --mount=type=ssh,target=/s a
RUN --mount=type=ssh,target=rel a
RUN --mount=type=ssh,required a
RUN --mount=type=ssh,mode=0777 a
RUN --mount=type=ssh,uid=1 a
RUN --mount=type=ssh,gid=1 a
RUN --mount=type=ssh,mode=0,uid=1,gid=2 a
RUN --mount=type=ssh,id=x,required=true,target=/s a
RUN --mount=type=ssh --mount=type=ssh,id=b a
ENV SSH_AUTH_SOCK=/mine
RUN --mount=type=ssh a
