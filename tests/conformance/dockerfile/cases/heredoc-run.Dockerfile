FROM busybox
ENV A=1
RUN <<EOF
echo $A
  two
EOF
RUN <<-EOT
	tabbed
		more
	EOT
RUN <<"PY" python3
print(1)
PY
RUN cat <<A && cat <<B
a
A
b
B
RUN <<EOF
#!/usr/bin/env python3
print("x")
EOF
