FROM a
ARG --x
