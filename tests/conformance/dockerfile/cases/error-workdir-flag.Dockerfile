FROM a
WORKDIR --x /a
