FROM scratch as one
ADD https://h.example/r.git /
