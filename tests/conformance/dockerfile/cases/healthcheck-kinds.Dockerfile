FROM a
HEALTHCHECK --interval=5m --timeout=3s --start-period=1h2m3.5s --retries=2 --start-interval=1ms CMD curl $A
HEALTHCHECK --interval=0 CMD ["a", "b c"]
HEALTHCHECK --timeout=1.5h cmd x   y
HEALTHCHECK none
HEALTHCHECK --interval=0s --retries=0 CMD [not json
