"""The command lines of docs/docker-build-lines.md, run by two programs and compared."""
