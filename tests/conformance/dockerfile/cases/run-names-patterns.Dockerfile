FROM a
ENV FOO=bar
ENV x=$FOO
RUN echo ${FOO#"b"} ${FOO%'r'} ${FOO#\*} ${FOO#"b"a} ${FOO/a/\b}
RUN echo ${UNSET#"a\b"} ${UNSET#'a\b'} ${UNSET%a\*} ${UNSET/"a\b"/"c\d"} ${UNSET//'a\b'/'c\d'} ${UNSET##"\\"}
RUN echo ${UNSET#"${OTHER:-"a\b"}"} ${UNSET#"${OTHER#"a\b"}"} ${UNSET/${OTHER#'a\b'}/c}
