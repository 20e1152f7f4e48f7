FROM a
ARG SUM=4fa0c6b
ADD --checksum=$SUM https://h.example/r.git /x
ADD --checksum=$SUM https://h.example/r.git?commit=4fa0c6b#v1 /x
ADD --checksum=x github.com/a/b /x
ADD --checksum=whatever git@h.invalid:r /x
