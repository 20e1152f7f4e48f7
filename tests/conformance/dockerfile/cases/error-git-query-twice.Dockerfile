FROM a
ADD https://h.example/x.git?ref=a&ref=b b
