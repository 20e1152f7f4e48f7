FROM a
RUN --device=v.com/x, x
