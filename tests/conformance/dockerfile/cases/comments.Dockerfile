# one
FROM busybox
# two
RUN a # not a comment
   # indented
   RUN b
