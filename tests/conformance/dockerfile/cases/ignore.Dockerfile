FROM scratch
COPY a b
COPY sub/ ../c /d/./e f/
