FROM windowsimage
RUN --mount=type=secret,target=D:/secret.txt x
