FROM a
ADD https://h.example/x.git?subdir=a#b:c b
