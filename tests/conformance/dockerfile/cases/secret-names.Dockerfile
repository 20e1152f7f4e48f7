FROM a
ENV T=1
RUN --mount=type=secret,id=t,env=T --mount=type=secret,id=u,env=U echo $T ${U} $V
RUN --mount=type=secret,id=t,env= echo $T
