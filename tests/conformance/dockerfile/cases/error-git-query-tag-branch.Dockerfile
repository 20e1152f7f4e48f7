FROM a
ADD https://h.example/x.git?tag=a&branch=b b
