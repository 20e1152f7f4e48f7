FROM a
CMD -- --not-a-flag x
ENTRYPOINT -x
