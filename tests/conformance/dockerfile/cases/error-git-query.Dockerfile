FROM a
ADD https://h.example/x.git?nope=1 b
