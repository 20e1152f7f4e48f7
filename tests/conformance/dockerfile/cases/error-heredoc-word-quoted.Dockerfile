FROM a
COPY <<'d e' /to/
3
d e
