FROM busybox
ENV A=1
COPY <<a.txt <<'b.txt' plain /d/
x $A ${A} \$A "q"
a.txt
y $A
b.txt
COPY --chmod=600 <<EOF /etc/conf
one
EOF
ADD <<-T /t
	tab
	T
