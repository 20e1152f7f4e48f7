FROM a
USER 5
ENV A=b
WORKDIR /w
COPY --link x$A .
RUN id
