FROM busybox AS build
WORKDIR /src
COPY . .
RUN make
FROM scratch
COPY --from=build /src/app /app
CMD ["/app"]
