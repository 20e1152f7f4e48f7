FROM busybox
RUN a \

  b \

  c
RUN d \
	 
# x
  e
COPY <<A \

 /x
body
A
RUN end \

