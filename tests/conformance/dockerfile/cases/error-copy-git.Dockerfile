FROM a
COPY https://h.example/x.git /y
