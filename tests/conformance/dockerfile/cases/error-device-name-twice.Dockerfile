FROM a
RUN --device=v.com/a=b,name=v.com/c=d x
