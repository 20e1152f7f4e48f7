from busybox as X
run a
CoPy a b
Env A=1
