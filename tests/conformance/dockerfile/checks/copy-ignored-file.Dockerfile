FROM busybox
COPY Dockerfile .
ADD x.log y /
COPY foo/a ./foo/../foo bar/x/y /
COPY a/b/deep dir/sub/x dir /
COPY /foo /deep /x/deep/y /
COPY ["Dockerfile", "/"]
ARG F=foo
COPY $F /
ADD http://x/Dockerfile https://example.org/x.log /
COPY --from=busybox foo /
COPY --link Dockerfile /
RUN --mount=source=foo,target=/x a
COPY <<foo /
foo
