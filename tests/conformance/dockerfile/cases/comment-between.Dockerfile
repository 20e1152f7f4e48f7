FROM a
RUN a \
# comment
  b \

  c
ENV A=1 \
    # comment
    B=2
COPY a \
  b \
  /c/
