FROM a
ENV A=1 Q='"'
COPY <<E1 /x
$A ${A} \$A '$A' "$A" $Q ${NONE:-d} `
E1
COPY <<'E2' /x
$A \$A
E2
COPY <<-E3 /x
	$A
		x
	E3
COPY <<E4 /x
E4
