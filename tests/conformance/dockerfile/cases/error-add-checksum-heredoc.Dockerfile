FROM a
ADD --checksum=sha256:1 <<A /b
A
