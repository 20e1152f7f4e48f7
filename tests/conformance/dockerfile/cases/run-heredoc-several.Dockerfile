FROM a
RUN <<A cat <<B
1
A
2
B
RUN cat <<A > /a; cat <<B > /b
1
A
2
B
RUN cat <<-A 3<<B
	1
	A
2
B
RUN <<A <<B
#!/bin/sh
A
2
B
