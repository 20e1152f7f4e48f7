FROM a
ADD --parents a b
