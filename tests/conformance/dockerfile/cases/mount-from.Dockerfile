FROM a AS One
FROM b
RUN --mount=from=one,target=/x a
RUN --mount=from=ONE,target=/x,source=y/../z a
RUN --mount=from=c:2,target=/x a
RUN --mount=from=one,type=cache,target=/x a
RUN --mount=from=one,type=cache,target=/x,source=/s,id=i a
RUN --mount=from=scratch,target=/x a
RUN --mount=from=,target=/x a
RUN --mount=from=0,target=/y a
