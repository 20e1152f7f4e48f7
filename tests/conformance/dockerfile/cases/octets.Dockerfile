# café
FROM alpine
MAINTAINER André
LABEL a=ÿþ
ENV b=Ã(
CMD café
HEALTHCHECK CMD ÿ
COPY <<"A" <<B /
ÿþ
A
ÿ$b
B
ONBUILD RUN ÿ
SHELL ["ÿ"]
ENTRYPOINT ["ÿ"]
