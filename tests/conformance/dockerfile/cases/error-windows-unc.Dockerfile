# escape=`
FROM windowsimage
WORKDIR \\server\share
