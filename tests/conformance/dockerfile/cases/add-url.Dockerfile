FROM a
ADD http://h.example/x /y
ADD https://h.example/dir/x.tar.gz /y/
ADD https://h.example /y/
ADD https://h.example/ /y/
