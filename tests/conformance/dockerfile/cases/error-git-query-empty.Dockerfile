FROM a
ADD https://h.example/x.git?ref= b
