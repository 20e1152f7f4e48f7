FROM a
ARG S=a/./b
COPY --parents --link --chown=1:2 --exclude=*.o $S c/d /to/
COPY --parents --chmod=u=rw --exclude=x --exclude=!x/y a /to/
