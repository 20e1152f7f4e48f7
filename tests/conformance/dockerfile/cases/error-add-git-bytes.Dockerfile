FROM a
ADD https://h.example/%E9.git /x
