FROM scratch
COPY a /a
ENTRYPOINT ["/a"]
