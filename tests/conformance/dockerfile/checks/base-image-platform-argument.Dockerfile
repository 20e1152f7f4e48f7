ARG N=image
FROM arm64${N}:latest AS a
FROM a
