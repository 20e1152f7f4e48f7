FROM scratch
ENV A=1
WORKDIR /w
COPY --link x y
RUN ["/y"]
