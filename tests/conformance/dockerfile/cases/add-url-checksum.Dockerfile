FROM a
ARG SUM=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
ADD --checksum=sha256:$SUM http://h.example/x /y
ADD --checksum=$NONE http://h.example/x /y
ADD --checksum=sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e http://h.example/x /z
