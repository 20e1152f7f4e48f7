FROM a
ENV G=a b
