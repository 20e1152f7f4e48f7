FROM a
ENV V=v
COPY --link <<EOF <<"RAW" x /dir/
$V
EOF
$V
RAW
