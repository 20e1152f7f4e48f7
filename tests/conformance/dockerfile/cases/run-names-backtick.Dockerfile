# escape=`
FROM a
ENV FOO=bar
RUN echo C:\hello `$FOO $FOO "a`tb" "a`"b" "C:\x" '`'
RUN echo ${FOO#`b} ${UNSET#`b} ${FOO#"`b"} ${FOO#'`b'}
