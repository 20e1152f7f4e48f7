FROM a
ADD http://h.example/a/ /d/
ADD http://h.example/a?q=b/c /d/
ADD http://h.example/a#f/g /d/
ADD http://h.example/a%20b /d/
ADD http://h.example/a%2Fb /d/
ADD http://h.example/%zz /d/
ADD http://h.example/. /d/
ADD http://h.example/.. /d/
ADD http://h.example:x/a /d/
ADD http://h.example:80/a /d/
ADD http://u:p@h.example/a /d/
ADD http://[::1]/a /d/
ADD http://[::1/a /d/
ADD http://h.example/a// /d/
ADD http:// /d/
ADD https:///a /d/
ADD http://h.example/é /d/
ADD http://h.example/x.git/y /d/
ADD http://a b/c /d/
ADD http://h.example/%C3%A9 /d/
ADD http://h.example?a/b /d/
