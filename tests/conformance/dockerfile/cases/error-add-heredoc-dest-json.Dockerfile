FROM a
ADD ["a", "<<E"]
