FROM a
COPY --exclude=*.o --exclude=!k.o . /x
ADD --exclude=a/b --exclude= . /x
ADD --exclude=$X . /y
