FROM a
LABEL --x=1 a=b
