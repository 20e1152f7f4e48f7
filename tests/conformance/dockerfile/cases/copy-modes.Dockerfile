FROM a
COPY --chmod=0 x /y
COPY --chmod=7 x /y
COPY --chmod=644 x /y
COPY --chmod=0644 x /y
COPY --chmod=07777 x /y
COPY --chmod=000755 x /y
COPY --chmod=u+x x /y
COPY --chmod=a=r x /y
COPY --chmod=u=rwX,go=rX x /y
COPY --chmod=+t x /y
COPY --chmod=g=u x /y
COPY --chmod=ug+s x /y
COPY --chmod== x /y
COPY --chmod=u+x-w x /y
COPY --chmod=go= x /y
