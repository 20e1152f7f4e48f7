FROM a
COPY http://h.example/x /y
