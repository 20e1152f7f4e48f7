FROM busybox AS base
ONBUILD RUN <<EOF
echo a
echo $b
EOF
ONBUILD COPY <<X <<Y /d/
x
X
y $Z
Y
FROM base
ENV Z=1
