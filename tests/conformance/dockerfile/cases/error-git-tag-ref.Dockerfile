FROM a
ADD https://h.example/x.git?tag=a&ref=b b
