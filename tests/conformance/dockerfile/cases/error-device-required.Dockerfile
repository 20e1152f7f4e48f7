FROM a
RUN --device=v.com/a,required=2 x
