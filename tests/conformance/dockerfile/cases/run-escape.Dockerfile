# escape=`
FROM a
ENV A=1
RUN a `
 b `` $A `$A \$A
COPY a`b c\d /e/
COPY <<E /f
\$A `$A $A
E
