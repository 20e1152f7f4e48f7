FROM a
ADD https://h.example/r.git /x/
