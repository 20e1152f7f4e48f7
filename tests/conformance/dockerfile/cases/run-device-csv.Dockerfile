FROM a
RUN --device="\"v.com/a,b=1\",required" x
