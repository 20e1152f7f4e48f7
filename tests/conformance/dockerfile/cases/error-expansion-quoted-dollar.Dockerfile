FROM a
ENV q=a
ENV n=${q/"a\$x"/z}
