FROM a
ADD --checksum=md5:d41d8cd98f00b204e9800998ecf8427e http://h.example/a b
