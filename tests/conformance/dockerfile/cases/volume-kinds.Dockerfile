FROM withconfig
ARG V=/v
VOLUME /a /b $V ${V}x
VOLUME ["/c d", "$V", " /e "]
VOLUME "/q" r
VOLUME /a
