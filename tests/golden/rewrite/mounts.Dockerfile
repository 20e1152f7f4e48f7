FROM alpine AS tools
RUN apk add git

# The image that is made.
FROM scratch AS out
COPY --from=tools /usr/bin/git /bin/
COPY --from=0 --parents /etc/ssl/certs/ca-certificates.crt /
COPY --from=busybox:1.36 --chmod=0755 /bin/busybox /bin/sh
ADD --keep-git-dir=true https://github.com/moby/buildkit.git#v0.20.0:docs /docs
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a.tar /
ADD archive.tar.gz rootfs.tar /
RUN --mount=type=bind,from=tools,source=/usr,target=/usr,rw \
    --mount=type=cache,id=packages,target=/var/cache,sharing=locked,uid=1000,mode=0700 \
    --mount=type=ssh,required \
    --mount=type=secret,id=config,target=/root/.netrc,required,mode=0600 \
    --network=none --security=insecure ["/bin/sh", "-c", "env"]
RUN --device=vendor.example/gpu=0,required --device=vendor.example/nic true
