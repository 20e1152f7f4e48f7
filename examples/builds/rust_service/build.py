"""A Rust service: compiled by cargo, and checked in the image that it runs in."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import cargo, expect_command


@target
def program(build: Build) -> State:
    """Compile the program; its crates stay compiled in the cache of the daemon."""
    return build.image("rust:1-slim").pipe(cargo.build, build.context(), "hello", output="/out")


@target(default=True)
def image(build: Build) -> State:
    """Build the image, and check that the program finds its libraries there."""
    return (
        build.image("debian:trixie-slim")
        .copy(program(), "/usr/local/bin/", src="/out/hello")
        .user("65532")
        .expose(8000)
        .entrypoint(["hello"])
        .pipe(expect_command, "hello --version", contains="hello 1.")
    )
