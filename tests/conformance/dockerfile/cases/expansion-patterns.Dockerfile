FROM alpine
ENV v=xyzxyx.tar.gz e= n="a\nb"
LABEL a=${v//x/-} b=${v%%.*} c=${v##*y} d=${v/y?/\/} e=${v//*./} f=${v%.*}
LABEL g=${v//y/<$0$1$$>} h=${v///-} i=${e//*/x} j=${v#?y} k=${v//\*/x} l=${n//a*b/x}
LABEL m=${no:-${e:-"${v#x}"}} n=${v+${no-'}'}} o=${v:?no} p=${no:+a}$no$v$
