FROM a
ADD --chown=1:2 --chmod=644 http://h.example/x /y
ADD --chmod=u+x --chown=me --exclude=z http://h.example/x /y
ADD --link --chown=1 http://h.example/x /y
ADD --link --chmod=1 http://h.example/x /y
