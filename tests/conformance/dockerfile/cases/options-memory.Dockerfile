FROM a
RUN x
WORKDIR /w
COPY a b
RUN ["y"]
