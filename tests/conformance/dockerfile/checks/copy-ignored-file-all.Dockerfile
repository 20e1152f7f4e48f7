FROM busybox
COPY . /
COPY / /
ADD ./ a/.. /
