FROM a
ADD --link --chown=me:0 https://h.example/f /y
