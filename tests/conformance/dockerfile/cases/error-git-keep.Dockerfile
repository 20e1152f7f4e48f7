FROM a
ADD --keep-git-dir https://h.example/x.git?keep-git-dir=false b
