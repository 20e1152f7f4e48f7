FROM --platform=arm64 alpine AS a
FROM --platform=x86_64 alpine AS c
FROM --platform=Linux/AARCH64 alpine AS d
FROM scratch
COPY --from=a x y
COPY --from=c x y
COPY --from=d x y
