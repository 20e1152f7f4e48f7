#!/bin/sh
# Write a compressed dump of a database to /backup.
set -e
file="/backup/$(date +%F).sql.zst"
pg_dump "$@" | zstd --quiet --force -o "$file"
echo "wrote $file"
