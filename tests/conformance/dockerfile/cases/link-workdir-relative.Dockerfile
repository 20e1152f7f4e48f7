FROM withconfig
COPY --link x ..
COPY --link x ../
COPY --link x ../.
COPY --link x .
