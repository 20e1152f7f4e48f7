FROM a
ADD --chown=1:2 --chmod=755 --exclude=.github https://h.example/r.git#main /x/
ADD --link --chown=me https://h.example/r.git /x
