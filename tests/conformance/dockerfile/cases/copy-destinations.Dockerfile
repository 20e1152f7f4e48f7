FROM a
WORKDIR /w/x
COPY a b
COPY a b/
COPY a .
COPY a ./
COPY a ..
COPY a /
COPY a /b/../c/
COPY a /b/.
COPY a b/.
COPY a /.
COPY a ./.
COPY a //x//
