FROM a
COPY ["<<EOF", "/x"]
ADD ["<<-'A'", "b", "/x/"]
