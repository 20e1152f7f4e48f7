FROM a
ARG q='a\bc'
LABEL "${q#"a\b"}"="${q#'a\b'}" x=${q%"\bc"}
WORKDIR /${q#'a\b'}
COPY ${q%"\bc"} /${q/'\b'/"x\y"}/
