FROM alpine
ENV v=x
EXPOSE 1${none:-2}3 8${v:+1}
