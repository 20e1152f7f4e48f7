FROM withconfig
LABEL a=1 b="x y"
LABEL a=2
LABEL c d e
MAINTAINER Some One <a@b>
STOPSIGNAL SIGTERM
