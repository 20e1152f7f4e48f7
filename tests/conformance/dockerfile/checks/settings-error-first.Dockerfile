# check=error=True;skip=JSONArgsRecommended
FROM busybox
WORKDIR x
CMD x
