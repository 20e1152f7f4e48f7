ARG REGISTRY=docker.io/library
ARG BASE=${REGISTRY}/python:3.12
FROM ${BASE} AS build-stage
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ARG VERSION=1.2.3 CHANNEL
ENV MAJOR=${VERSION%%.*} MINOR=${VERSION%.*} NAME="app-${VERSION/./_}"
ENV LD_LIBRARY_PATH=/opt/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
WORKDIR ${CHANNEL:-/work}/$NAME
LABEL version="$VERSION" "said"="\"quoted\" and 'single'"
# Install what is needed,
# quietly.
RUN apt-get update && \
    # not much
    apt-get install -y --no-install-recommends \
        git curl \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=tmpfs,target=/tmp,size=64m <<EOF
set -e
printf '%s\n' "${VERSION}"
EOF
RUN <<EOF
#!/usr/bin/env python3
print("hello")
EOF
CMD serve "$NAME"

FROM build-stage
ARG PORT=8000
VOLUME ["/data", "/cache"]
STOPSIGNAL SIGINT
EXPOSE ${PORT}
ENTRYPOINT ["python", "-m", "app"]
