FROM alpine AS base
RUN make

FROM alpine
WORKDIR /src
ARG DIR=sub
RUN --mount=target=. ls
RUN --mount=type=bind,source=$DIR,target=/in,rw --mount=type=bind,from=base,src=/out,dst=/out cp -r /in /out
RUN --mount=from=busybox,target=/box --mount=from=scratch,target=rel/../x,readonly=false /box/bin/ls
RUN --mount=from=BASE,target=/abs/ --mount="type=bind,\"target=/with,comma\"" true
