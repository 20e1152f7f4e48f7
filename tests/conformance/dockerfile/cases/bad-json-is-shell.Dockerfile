FROM busybox
RUN ['echo', 'a']
CMD [a]
ENTRYPOINT [ "a", ]
