# escape=`
FROM windowsimage
RUN --mount=type=secret,id=a,target=C:dir\"sec"ret.txt x
