FROM a
RUN --mount=type=secret,id=a,required=x x
