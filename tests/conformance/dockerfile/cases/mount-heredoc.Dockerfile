FROM alpine AS one
RUN --mount=type=cache,target=/z --mount=type=bind,target=/a <<END
#!/bin/sh
ls
END
FROM one
RUN --mount=from=one,target=/one --mount=from=one,source=/etc,target=/two true
