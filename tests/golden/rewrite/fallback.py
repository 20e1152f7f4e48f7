from llb import State
from llb.buildfile import Build, instructions, target

DOCKERFILE = """\
FROM alpine AS base
ONBUILD RUN echo built

FROM base AS middle
RUN echo "a \\"b\\""

FROM alpine
ARG NAME=x
COPY --from=middle /etc/hostname /$NAME
"""


@target
def base(build: Build) -> State:
    return build.image("alpine").onbuild("RUN echo built")


@target
def middle(build: Build, NAME: str | None = None) -> State:
    # Built from the Dockerfile because of line 4: stage base has ONBUILD instructions.
    return build.dockerfile(DOCKERFILE, target="middle", build_args=build.args)


@target(default=True)
def image(build: Build, NAME: str = "x") -> State:
    return (
        build.image("alpine")
        .pipe(instructions.args, NAME=NAME)
        .pipe(instructions.copy, middle(), "/etc/hostname", f"/{NAME}")
    )
