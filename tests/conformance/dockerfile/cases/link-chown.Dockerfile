FROM a
COPY --link --chown=1:2 x /y
COPY --link --chown=3 x /y
COPY --link --chown=4: x /y
COPY --link --chown=root:root x /y
COPY --link --chown=:5 x /y
COPY --link --chown=-1 x /y
COPY --link=false --chown=user:group x /y
