FROM a
ADD http://h.example/x local.tar https://h.example/y.git <<E /d/
E
ADD HTTP://h.example/x ftp://h.example/x Https://h.example/y /d/
