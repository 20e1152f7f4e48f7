FROM a
COPY --parents a/./b/c /to/
COPY --parents /./b /to/
COPY --parents a/./ /to/
COPY --parents a/././b /to/
COPY --parents a/./b/./c /to
