FROM a
WORKDIR /w
ADD https://h.example/r.git .
ADD https://h.example/r.git sub/
ADD https://h.example/r.git https://h.example/s.git ./
