FROM a
COPY --link --chmod=755 x /y
COPY --link --chmod=u+x x /y
