FROM withconfig
ENTRYPOINT []
