FROM busybox
ENV A=1 B="two words" C=three\ words D='single $A'
ENV E=$A F=${B} G="${A}x" A=2 H=$A
ENV old style value with $A
ENV A=$A$A
RUN echo $A ${B:-x}
