FROM a
ADD http://h.example/%C3%A9 /x
ADD http://h.example/%E9/b /x
ADD https://h.example/%C3%A9%20!.git /x
