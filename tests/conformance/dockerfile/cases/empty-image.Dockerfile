FROM emptyimage
COPY a /a
