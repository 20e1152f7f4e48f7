FROM withconfig
LABEL a=1 b="x y" c='$A' d=$A e=
LABEL legacy some text $A
LABEL z=9 multi="a \
b"
LABEL "com.example.a b"="<>&\u00e9é"
