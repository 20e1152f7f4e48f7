FROM a
RUN --device=v.com/a,optional x
