FROM --platform=linux/ busybox
