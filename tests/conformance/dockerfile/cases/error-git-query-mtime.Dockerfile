FROM a
ADD https://h.example/x.git?mtime=now b
