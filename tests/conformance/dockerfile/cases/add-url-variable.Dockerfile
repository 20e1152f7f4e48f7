FROM a
ARG HOST=h.example
ENV P=/p
ADD https://$HOST$P/x $P/
