FROM windowsimage
WORKDIR ok
COPY x C:
