FROM a
ADD https://h.example/r.git#%E9 /x
