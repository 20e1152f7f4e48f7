FROM a
COPY --parents **/go.mod /to/
COPY --parents a/./**/*.txt a/*/x /to/
COPY --parents a*/./b /to/
COPY --parents a/./[bc] x/? /to/
COPY --parents 'a\*b' a\*c /to/
