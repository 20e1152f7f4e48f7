FROM a
ADD github.com/a/b?x=1 b
