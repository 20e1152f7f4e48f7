FROM withconfig
CMD a
ENTRYPOINT b
FROM withconfig
ENTRYPOINT ["x", "$A"]
CMD ["y"]
ENTRYPOINT []
CMD []
FROM withconfig
ENTRYPOINT []
FROM a
CMD
FROM a
SHELL ["s", "t"]
CMD "quoted" $A \
 more
