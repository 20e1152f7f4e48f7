FROM a
COPY a b* [c] d?e /dir/
ADD a.tar b.tgz ./
COPY ["with space", "b", "/d d/"]
