FROM a
COPY <<a/b <<../c /to/
1
a/b
2
../c
COPY <</abs /x
4
/abs
