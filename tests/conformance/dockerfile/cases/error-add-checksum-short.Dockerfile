FROM a
ADD --checksum=sha256:e3b0 http://h.example/a b
