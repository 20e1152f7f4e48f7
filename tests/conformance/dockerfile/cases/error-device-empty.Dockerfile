FROM a
RUN --device= x
