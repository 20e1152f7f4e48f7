FROM busybox
ENV foo=bar empty= path=/a/b/c.tar.gz
ENV a=${foo:-x} b=${empty:-x} c=${none:-x} d=${none-x} e=${empty-x} f=${foo:+x} g=${none:+x} h=${empty+x}
ENV i=${path#*/} j=${path##*/} k=${path%.*} l=${path%%.*} m=${path/a/z} n=${path//[/x} o=${path//?tar/_}
ENV p=\$foo q='$foo' r="\$foo" s=$foo$bar t=${none:-${foo}} u="a'b'c" v=$1 w=$ x=a$
WORKDIR /w/${foo}
USER ${foo}:$empty
LABEL l=$foo m="$foo" "quoted key"=v
