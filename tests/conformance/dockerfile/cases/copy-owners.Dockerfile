FROM a
COPY --chown=root x /y
COPY --chown=root:root x /y
COPY --chown=0:0 x /y
COPY --chown=1 x /y
COPY --chown=a x /y
COPY --chown=a:b x /y
COPY --chown=1:b x /y
COPY --chown=a: x /y
COPY --chown=:b x /y
COPY --chown=: x /y
COPY --chown=-1 x /y
COPY --chown=+7 x /y
COPY --chown=2147483647:2147483648 x /y
COPY --chown=4294967295 x /y
COPY --chown=a:b:c x /y
COPY --chown=01 x /y
COPY --chown=1e3 x /y
