FROM a
ARG N=X
ENV $N=1 ${N}_Y=2
ENV "Q"=3 'R'=4
ENV a.b=5 -c=6 d-e=7
LABEL $N=1 "a b"=c
RUN x
