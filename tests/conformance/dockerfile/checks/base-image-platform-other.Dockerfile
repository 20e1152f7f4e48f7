FROM arm64image
RUN a
