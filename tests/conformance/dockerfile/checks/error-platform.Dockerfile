FROM --platform=$NONE busybox as a
