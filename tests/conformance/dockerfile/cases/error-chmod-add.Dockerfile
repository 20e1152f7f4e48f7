FROM a
ADD --chmod=+z http://h.example/a b
