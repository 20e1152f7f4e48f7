# escape=`
FROM windowsimage
RUN --mount=type=secret,id=s,target=C:/secret.txt x
RUN --mount=type=secret,target=C:\dir\secret.txt x
RUN --mount=type=secret,id=e,env=E x
RUN --mount=type=secret,id=both,env=E,target=\a\b x
RUN --mount=type=secret,src=src,dst=c:/x/../y x
RUN --mount=type=cache,target=C:\cache x
