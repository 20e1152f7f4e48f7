FROM a
ADD --checksum=1234567 https://h.example/x.git?checksum=7654321 b
