FROM a
COPY --parents <<A x/y /to/
text
A
