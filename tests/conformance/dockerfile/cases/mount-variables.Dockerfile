FROM a
ARG T=cache D=/d I=i M=0700 U=3
RUN --mount=type=$T,target=$D/x,id=${I}-${NONE:-n},mode=$M,uid=$U,gid=$U a
RUN --mount=type=secret,id=$I,required=${NONE:-true} a
RUN --mount=type=tmpfs,target=$D,size=${U}m a
RUN --mount=source=$D,target=/t,readonly=$NONE${U:+1} a
