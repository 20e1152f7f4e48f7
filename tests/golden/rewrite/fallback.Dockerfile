FROM alpine AS base
ONBUILD RUN echo built

FROM base AS middle
RUN echo "a \"b\""

FROM alpine
ARG NAME=x
COPY --from=middle /etc/hostname /$NAME
