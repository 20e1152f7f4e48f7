FROM a
RUN --mount=type=secret,id=a,sharing=shared x
