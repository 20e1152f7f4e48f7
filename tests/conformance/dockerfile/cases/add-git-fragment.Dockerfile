FROM a
ADD https://h.example/r.git#main /d0
ADD https://h.example/r.git#main:sub /d1
ADD https://h.example/r.git#:sub /d2
ADD https://h.example/r.git#main: /d3
ADD https://h.example/r.git#main:/sub/../x/ /d4
ADD https://h.example/r.git#refs/pull/1/head /d5
ADD https://h.example/r.git#a:b:c /d6
ADD https://h.example/r.git# /d7
ADD https://h.example/r.git#%41:%42 /d8
ADD https://h.example/r.git#a%3Ab /d9
ADD https://h.example/r.git#:. /d10
ADD https://h.example/r.git#:../.. /d11
ADD git@h.invalid:r.git#main:sub /x
ADD git@h.invalid:r#%41:b /y
ADD git://h.example/r#a:b /z
