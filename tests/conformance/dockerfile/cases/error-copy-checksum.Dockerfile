FROM a
COPY --checksum=sha256:1 a b
