FROM arm64image AS a
RUN true
FROM --platform=linux/amd64 arm64image AS b
RUN true
FROM a
COPY --from=b x y
COPY --from=arm64image x y
