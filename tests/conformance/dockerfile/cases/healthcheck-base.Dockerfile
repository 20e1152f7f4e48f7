FROM health
RUN true
