FROM a
COPY a@b /x
COPY ./git@h:p /x
ADD ../git@h:p /x
ADD a:b@c /x
ADD @h:p x@:p /x/
