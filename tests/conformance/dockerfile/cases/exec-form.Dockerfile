FROM busybox
RUN ["echo", "a b", "$HOME", "\"q\""]
CMD ["x"]
