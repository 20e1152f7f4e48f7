# check=skip=WorkdirRelativePath;error=1
FROM busybox
WORKDIR x
