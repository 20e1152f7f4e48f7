FROM a
ENV A=1
RUN echo $A '$A' "$A" \$A ${A:-x} ${NONE} # c
RUN ["$A", "b c", "\""]
RUN [ "a" ] 
RUN ['a']
RUN ["a", 1
RUN   leading  and trailing   
RUN a \
  # c
  b
