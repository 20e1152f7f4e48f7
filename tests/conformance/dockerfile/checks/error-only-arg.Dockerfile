ARG a
arg b
