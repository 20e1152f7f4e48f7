FROM a
COPY a https://h.example/x.git?x=1 b/
