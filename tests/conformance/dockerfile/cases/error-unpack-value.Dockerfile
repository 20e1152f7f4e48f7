FROM a
ADD --unpack=maybe a b
