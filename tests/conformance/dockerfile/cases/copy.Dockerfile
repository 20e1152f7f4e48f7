FROM busybox
COPY a /x/
COPY a b* /y/
COPY ./a ../b /c/./d /z
COPY --chown=1:2 --chmod=755 a /o
COPY --chown=app:staff a /p
COPY --chown=app --exclude=*.md --exclude=x . /q
COPY ["a b", "/c d/"]
COPY --chmod=u+x,go-w a /r
COPY . /
