FROM withconfig
CMD
