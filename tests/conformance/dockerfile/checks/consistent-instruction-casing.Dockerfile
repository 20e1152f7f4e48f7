FROM busybox
run a
Run b
RUN c
cOPY x /
ENTRYPOINT ["x"]
from busybox
CMD ["x"]
