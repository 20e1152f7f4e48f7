FROM a
ADD https://h.example/r.git?keep-git-dir https://h.example/s.git https://h.example/t.git?checksum=abcdef0 https://h.example/u.git /x/
