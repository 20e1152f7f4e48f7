FROM a
ARG X=1
ARG $X=2
ARG a.b=3 "c"=4
RUN x
