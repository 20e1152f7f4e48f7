FROM a
RUN --mount="type=cache,target=/a b" x
RUN --mount='"target=/a,b"' x
RUN --mount=TYPE=Cache,TARGET=/x,ID=Y x
