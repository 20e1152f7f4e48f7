FROM a
RUN <<EOF
one
two
EOF
RUN <<EOF
#!/bin/sh
x
EOF
