FROM scratch
ENTRYPOINT foo bar
COPY . C:/
