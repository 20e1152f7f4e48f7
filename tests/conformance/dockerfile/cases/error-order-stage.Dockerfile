# a comment

RUN true
COPPY a b
