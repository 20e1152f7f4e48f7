FROM alpine
RUN echo café
CMD x
