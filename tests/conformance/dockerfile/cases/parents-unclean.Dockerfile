FROM a
COPY --parents ../up /to/
COPY --parents /abs//x/../y /to/
COPY --parents //two /to/
COPY --parents a//b/../c/ /to/
COPY --parents ../a/./../b /to/
COPY --parents /a//./b/ . / /to/
