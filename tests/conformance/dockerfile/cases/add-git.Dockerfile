FROM a
ADD https://h.example/o/r.git /d0
ADD http://h.example/o/r.git /d1
ADD git://h.example/o/r /d2
ADD git://h.example/o/r.git /d3
ADD ssh://git@h.invalid/o/r /d4
ADD ssh://h.invalid:22/o/r.git /d5
ADD git@h.invalid:o/r.git /d6
ADD user-1_x@h.invalid:~/r /d7
ADD HTTPS://H.example/r.git /d8
ADD https://u:p@h.example/r.git /d9
ADD https://h.example:8443/r.git /d10
