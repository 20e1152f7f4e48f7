FROM a
WORKDIR /w
ADD --link x.tar y ./
RUN ls
