FROM a
CMD --x a
