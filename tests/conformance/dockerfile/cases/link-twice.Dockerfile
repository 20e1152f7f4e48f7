FROM a
COPY --link x /y
COPY --link x /y
ADD --link x /y
RUN ls /y
