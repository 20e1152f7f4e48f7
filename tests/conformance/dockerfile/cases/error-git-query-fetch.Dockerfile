FROM a
ADD https://h.example/x.git?fetch-by-commit=2 b
