FROM alpine AS a
HEALTHCHECK CMD curl -f http://localhost/ || exit 1
FROM alpine AS b
HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=250ms --start-interval=2h3m --retries=5 CMD ["curl", "-f"]
HEALTHCHECK NONE
HEALTHCHECK --interval=1500us --timeout=0 --retries=0 cmd   a  "b"
