FROM a
ENV A='x y'
COPY "a" /c/
COPY $A "$A" '$A' /d/
COPY a\b /e
COPY "a"'b'c /f
