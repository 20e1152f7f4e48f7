FROM a
RUN <<EOF
#!/bin/python3
print('x')
EOF
RUN <<'X' 
#!/bin/sh
$A
X
RUN <<-T
	#!/bin/sh
	echo
	T
SHELL ["/bin/bash", "-ec"]
RUN <<dir/name
#! x
dir/name
RUN <<E
 #!/no
E
