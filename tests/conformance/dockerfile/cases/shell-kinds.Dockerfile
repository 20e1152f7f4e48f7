FROM a
SHELL ["/bin/sh", "-ec"]
RUN x
SHELL [""]
RUN y
CMD z
