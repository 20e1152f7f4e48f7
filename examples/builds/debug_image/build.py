"""A Dockerfile that stays as it is: its image, and the same image with tools to debug it."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import apt, expect_command


@target(default=True)
def image(build: Build) -> State:
    """Build the Dockerfile, and check that its program starts."""
    app = build.dockerfile("Dockerfile", target="app")
    return app.pipe(expect_command, "PORT=0 python main.py --check")


@target
def debug() -> State:
    """Add tools to the image, on top of the same layers."""
    return image().pipe(apt.install, "gdb", "procps", "strace").user("root").cmd(["bash"])
