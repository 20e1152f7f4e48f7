FROM busybox AS Base
FROM base AS TWO
FROM base AS two.x-1_y
