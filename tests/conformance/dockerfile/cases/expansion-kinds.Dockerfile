FROM a
ENV A=1 E= N=a.b.c P=/x/y/z.tar.gz
COPY ${A:-d}${B:-d}${E:-d}${A:+p}${B:+p}${E:+p} ${A-d}${B-d}${E-d}x${A+p}${B+p}${E+p} ${P##*/} ${P#*/} ${P%.*} ${P%%.*} ${N/./_} ${N//./_} ${N/#a/b} ${N/%c/d} ${N//\?/x} ${A:?e} /d/
COPY "${A:-$B}" ${B:-${A}${E:-q}} ${B:-'$A'} ${B:-"$A"} /d/
ENV X=$A$ Y=${A}} Z=$1 W=$-x V="$"
