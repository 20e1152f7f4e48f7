FROM a
RUN ["cat", "<<EOF"]
RUN 0<<EOF
x
EOF
RUN << EOF
x
EOF
RUN "<<EOF"
RUN '<<EOF' x
