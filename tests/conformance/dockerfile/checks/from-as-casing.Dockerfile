FROM busybox as a
from busybox AS b
FROM busybox As c
from busybox aS d
From busybox as e
