FROM withconfig
ENTRYPOINT ["/e", "a\tb", "é"]
FROM withconfig
CMD ["x"]
ENTRYPOINT e $HOME
CMD c
