FROM a
COPY --chmod=755 --chown=1:2 <<run.sh /bin/run
#!/bin/sh
run.sh
ADD --chmod=u+x --chown=a --exclude=x <<A <<-B /dir/
a
A
		b
	B
