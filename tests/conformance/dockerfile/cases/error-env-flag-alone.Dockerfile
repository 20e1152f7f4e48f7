FROM a
ENV --x
