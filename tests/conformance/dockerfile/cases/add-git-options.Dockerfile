FROM a
ADD --chown=1:2 --chmod=755 --exclude=.github https://h.example/r.git#main /x/
ADD --link --chown=8 https://h.example/r.git /x
ADD --unpack https://h.example/r.git /x
