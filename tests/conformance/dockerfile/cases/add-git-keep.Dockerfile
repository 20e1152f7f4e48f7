FROM a
ADD --keep-git-dir https://h.example/r.git /x
ADD --keep-git-dir=false https://h.example/r.git /x
ADD --keep-git-dir=true https://h.example/r.git?keep-git-dir /x
ADD --keep-git-dir local http://h.example/f /x/
ADD --keep-git-dir=false https://h.example/r.git?keep-git-dir=0 /x
