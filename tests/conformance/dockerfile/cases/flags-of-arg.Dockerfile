FROM a
ARG --x A=1
RUN $A
