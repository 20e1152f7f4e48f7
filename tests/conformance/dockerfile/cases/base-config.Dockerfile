FROM withconfig
RUN a
ENV X=1
CMD b
