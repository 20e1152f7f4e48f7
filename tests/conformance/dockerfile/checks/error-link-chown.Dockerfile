from a as One
ARG A=1
COPY --link --chown=me x /y
CMD x
