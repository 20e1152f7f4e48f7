FROM a
ENV FOO=bar
RUN echo C:\hello\world
RUN echo "C:\hello\world" '\x' \$FOO $FOO "\$FOO" "a\"b" "a\\b" a\ b
RUN echo ${FOO:-a\ b} ${UNSET:-a\ b} "${UNSET:-"c\d"}" ${UNSET:+\x} ${UNSET-'y\z'}
RUN ["echo", "C:\\exec\\path"]
RUN echo a\
  b \
  c
COPY a\b "c\d" 
COPY --from=a /a\ b /c
WORKDIR /a\b
RUN <<x
echo C:\y
x
