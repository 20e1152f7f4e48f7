FROM a
ADD https://h.example:x/r.git /d0
ADD https://h .example/r.git /d1
ADD https://a:b:1/r.git /d2
ADD https://[::1/r.git /d3
ADD https://h.example/%zz.git /d4
ADD ftp://h.example/r.git /d5
ADD file:///r.git /d6
ADD https://h%41.example/r.git /d7
ADD https://h.example/r /d8
ADD https://h.example/r.git2 /d9
ADD https://h.example/r#x.git /d10
ADD git+ssh://h.example/r /d11
ADD a/git@h.example:r /d12
ADD git@h_x:r /d13
ADD https://u^@h.example/r.git /d14
