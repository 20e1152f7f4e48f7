FROM a
ARG A=1 B
ARG C="x y"
ENV A=2
ARG A=3
RUN x
RUN ["y", "z w"]
FROM a
ARG A
RUN x
