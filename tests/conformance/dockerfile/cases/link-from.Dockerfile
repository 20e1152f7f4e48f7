FROM a AS one
RUN make
FROM b
COPY --link --from=one /out /in
COPY --link --from=c:1 /bin/tool /bin/
