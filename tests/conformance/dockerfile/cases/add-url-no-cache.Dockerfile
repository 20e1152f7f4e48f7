FROM a
ADD http://h.example/x /y
ADD https://h.example/x.git /y
