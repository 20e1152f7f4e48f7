FROM scratch AS One
RUN --mount=type=secret,id=a x
CMD x
