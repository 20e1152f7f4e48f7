FROM busybox
ENV A="<&>" B=" " C="😀"
RUN echo "<&>" é
LABEL x="<a href>"
