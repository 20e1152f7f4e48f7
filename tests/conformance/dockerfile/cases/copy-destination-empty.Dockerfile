FROM a
WORKDIR /w
ARG D
COPY a $D
COPY a ""
ADD "" x
COPY ["", ""]
