FROM windowsimage
ADD C: /x
