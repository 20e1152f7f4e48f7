FROM a
USER --x
