FROM a
COPY --link f0 /
COPY --link f1 /
COPY --link f2 /
COPY --link f3 /
COPY --link f4 /
COPY --link f5 /
COPY --link f6 /
COPY --link f7 /
COPY --link f8 /
COPY --link f9 /
COPY --link f10 /
