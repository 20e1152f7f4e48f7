FROM a
ADD http://h.example/%E9 /x
