FROM a
ENV N=1
COPY ${N/b} /c/
