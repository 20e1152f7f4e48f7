FROM a
COPY a git@h.example:p /y/
