FROM a
ARG A
COPY --link --from=$A x y
