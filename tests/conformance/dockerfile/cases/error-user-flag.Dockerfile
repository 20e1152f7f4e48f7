FROM a
USER --x a
