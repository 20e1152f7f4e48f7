FROM a
COPY --link --exclude=*.o --exclude=t/** src /src
