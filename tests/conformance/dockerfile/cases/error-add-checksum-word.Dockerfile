FROM a
ADD --checksum=x http://h.example/a b
