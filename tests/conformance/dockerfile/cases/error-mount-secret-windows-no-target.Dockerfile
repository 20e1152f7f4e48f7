FROM windowsimage
RUN --mount=type=secret,id=mysecret x
