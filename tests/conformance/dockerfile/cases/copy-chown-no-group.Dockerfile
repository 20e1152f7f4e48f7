FROM a
COPY --chown=nobody: x /a
COPY --chown=1000: x /b
COPY --chown=root: x /c
COPY --chown=: x /d
COPY --chown=:staff x /e
COPY --chown=a:b: x /f
ADD --chown=me: x /g
ARG group
COPY --chown=me:$group x /h
COPY --chown=nobody: <<i /i
j
i
USER me:
WORKDIR /made
