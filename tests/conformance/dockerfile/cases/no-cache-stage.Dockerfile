FROM alpine AS one
RUN a
WORKDIR /w
COPY a b
FROM alpine
RUN b
FROM alpine AS Three
RUN c
COPY --from=one x y
COPY --from=1 x y
