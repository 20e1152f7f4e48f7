FROM a
RUN --device=a\"b x
