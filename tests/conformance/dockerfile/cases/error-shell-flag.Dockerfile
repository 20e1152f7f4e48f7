FROM a
SHELL --x ["a"]
