FROM a
ARG p="a\b\c"
ENV q='a\bc' star="*x*"
ENV a=${q#"a\b"} b=${q#'a\b'} c="${q#"a\b"}" d=${q%'\bc'} e=${q/"a\b"/x} f=${q//'\'/y} g=${q/"\b"/"\z"} h=${q/'b'/'\z'}
ENV i=${star#'\*'} j=${star#"*"} k=${star%%'*'} l=${star#"\\"} m=${q#"a\\b"} n=${q/"a\\$x"/z}
