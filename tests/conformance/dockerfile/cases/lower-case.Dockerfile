from a as B
Run x
copy --from=d / /
add y /z
workdir /w
env a=b
from b as c
Run y
