FROM a
ADD https://h.example/x.git?submodules=x b
