# escape=`
FROM busybox
RUN a `
  b
ENV A="x`"y" B=`$HOME C=c:\d
COPY a b\
