# syntax=docker/dockerfile:1
# Copyright me.

# The versions that we use.
ARG GO_VERSION=1.22
ARG ALPINE=3.20

# deps downloads the modules
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS deps
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/root/.cache \
    --mount=type=secret,id=token,env=TOKEN \
    go mod download

FROM deps AS build
ARG TARGETOS TARGETARCH
ARG VERSION
ARG LDFLAGS="-s -X main.version=${VERSION:-dev}"
COPY --exclude=*.md . .
# The binary.
RUN go build -ldflags "$LDFLAGS" -o /out/app ./cmd/app

FROM alpine:${ALPINE}
ENV PATH=/opt/bin:$PATH HOME=/home/app
COPY --link --chown=65532 --from=build /out/app /usr/bin/app
COPY <<EOF /etc/app.toml
[app]
home = "$HOME"
listen = 8080
EOF
ADD https://example.com/data-${ALPINE}.tar.gz /data/
USER app
EXPOSE 8080 53/udp
HEALTHCHECK --interval=30s CMD wget -q localhost:8080
ENTRYPOINT ["app"]
CMD ["serve"]
# The end.
