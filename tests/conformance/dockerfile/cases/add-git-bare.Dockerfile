FROM a
ADD github.com/a/b /x
ADD github.com/a/b.git /x
ADD github.com/a/b#c /x
COPY github.com/a/b /x
ADD github.com/%zz /x
