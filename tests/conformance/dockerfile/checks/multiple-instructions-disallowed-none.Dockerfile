FROM busybox AS a
CMD ["a"]
ENTRYPOINT ["x"]
FROM a
CMD ["b"]
ENTRYPOINT ["y"]
