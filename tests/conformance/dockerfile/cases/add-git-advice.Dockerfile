FROM a
ADD https://h.example/r.git#main /x/
ADD --keep-git-dir --checksum=0123456789abcdef0123456789abcdef01234567 git@h.example:r.git /r/
ADD https://h.example/s.git?submodules=0 /y/
ADD https://h.example/f /z
