FROM a
ENV A=1 B="x y" C='$A' D=$A\ z E= 
ENV A=2 B=$A$B
ENV F  legacy  $A value "q" 
ENV PATH=/x:$PATH
ENV G=a\
b H="c \
 d"
ENV a=1 A=3
ENV I="\"q\"" J='a'"b"c K=\$A L=`x`
RUN x
