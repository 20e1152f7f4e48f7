FROM windowsimage
RUN --mount=type=secret,env=E,target=dir/secret.txt x
