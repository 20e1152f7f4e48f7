FROM withconfig
WORKDIR sub
COPY a .
RUN b
