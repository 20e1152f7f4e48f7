FROM a
ADD ["https://h.example/r.git#a b", "/x y"]
