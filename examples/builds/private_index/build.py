"""A program with packages from a private index, whose password is in no layer and no log."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import pip


@target
def image(build: Build, index: str = "https://pypi.example.com/simple") -> State:
    """Install the packages with the user and password of a .netrc file, and build the image."""
    python = build.image("python:3.13-slim")
    installed = python.mount(build.secret("netrc", target="/root/.netrc")).pipe(
        pip.install,
        requirements="requirements.txt",
        source=build.context(),
        flags=[f"--index-url={index}", "--target=/packages"],
    )
    return (
        python.env("PYTHONPATH", "/packages")
        .copy(installed, "/packages", src="/packages")
        .copy(build.context(), "/app/", src="main.py")
        .user("nobody")
        .cmd(["python", "/app/main.py"])
    )
