FROM a
COPY <<A <<A /x/
1
A
2
A
COPY <<B <<-B /x/
	1
B
	2
B
