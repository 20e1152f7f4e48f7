FROM scratch
ADD http://h.example/x /
