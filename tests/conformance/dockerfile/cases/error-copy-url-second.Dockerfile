FROM a
COPY a https://h.example/x /y/
