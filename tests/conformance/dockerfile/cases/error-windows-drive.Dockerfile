FROM windowsimage
COPY a D:\x
