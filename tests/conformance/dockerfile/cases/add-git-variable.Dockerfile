FROM a
ARG REF=main REPO=https://h.example/r.git
ADD $REPO#$REF:sub /x
ADD "${REPO}?ref=$REF" /y
