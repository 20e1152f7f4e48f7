FROM a
ADD https://h.example/x.git?keep-git-dir=x b
