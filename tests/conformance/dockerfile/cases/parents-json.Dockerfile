FROM a
COPY --parents ["a b/./c d", "e/*", "/to/"]
