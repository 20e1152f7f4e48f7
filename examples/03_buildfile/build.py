# syntax=localhost:5000/pyfrontend
"""A shell program: checked, packed, and built into an image for any platform."""

from typing import Annotated, Literal

from ci.checks import shell_syntax

from llb import Scratch, State
from llb.buildfile import Build, target

NAME = "greet"


@target
def check(build: Build) -> State:
    """Check the program."""
    tools = build.image("busybox", platform=build.build_platform)
    return shell_syntax(tools, build.context(), f"{NAME}.sh")


@target
def package(
    build: Build,
    channel: Annotated[Literal["stable", "beta"], "where it is published"] = "stable",
) -> State:
    """Pack the program with its version."""
    version = build.read_text("VERSION").strip()
    print(f"packing {NAME} {version} for {channel}")
    packed = (
        check()
        .copy(build.context(), "/src/", src=f"{NAME}.sh")
        .run(f"sed -i 's/@VERSION@/{version}-{channel}/' /src/{NAME}.sh")
        .run(f"mkdir /out && tar -c -C /src -f /out/{NAME}-{version}.tar {NAME}.sh")
    )
    return Scratch().copy(packed, "/", src="/out")


@target(default=True)
def image(build: Build, user: str | None = None) -> State:
    """Build the image."""
    image = (
        build.image("busybox")
        .copy(package(), "/opt", src=f"/{NAME}-*.tar", unpack=True, wildcard=True)
        .entrypoint(["sh", f"/opt/{NAME}.sh"])
        .label("org.opencontainers.image.title", NAME)
    )
    return image if user is None else image.user(user)
