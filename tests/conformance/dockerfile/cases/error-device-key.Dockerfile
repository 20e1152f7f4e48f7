FROM a
RUN --device=v.com/a,x=y x
