FROM alpine
COPY "<<EOF a b
