FROM a
COPY --parents x/y/z /to/
COPY --parents ./x/./y/z /to/
COPY --parents x y/ /to/
