FROM a
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN a | b
RUN ["a"]
SHELL ["x"]
RUN a   b
CMD c
ENTRYPOINT d
HEALTHCHECK CMD e
FROM withconfig
RUN f
