"""A Python library: its wheel is built if the tests pass on every version of Python."""

from llb import Scratch, State, bind
from llb.buildfile import Build, target

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def tested(build: Build, version: str) -> State:
    """Run the tests on one version; the versions run at the same time."""
    return build.image(f"python:{version}-slim").run(
        "python -m unittest discover -v tests > /report.txt 2>&1 || { cat /report.txt; exit 1; }",
        env={"PYTHONPATH": "/src/src", "PYTHONDONTWRITEBYTECODE": "1"},
        workdir="/src",
        mounts=[bind(build.context(), "/src", readonly=True)],
        name=f"test on Python {version}",
    )


@target
def reports(build: Build) -> dict[str, State]:
    """Export the report of each version to a directory of its own."""
    return {v: Scratch().copy(tested(build, v), "/", src="/report.txt") for v in VERSIONS}


@target(default=True)
def wheel(build: Build) -> State:
    """Build the wheel."""
    uv = build.image("ghcr.io/astral-sh/uv:0.9")
    built = (
        build.image("python:3.13-slim")
        .copy(build.context(), "/src")
        .run(["/uv/uv", "build", "--wheel", "--out-dir=/out", "/src"], mounts=[bind(uv, "/uv")])
    )
    files = Scratch().copy(built, "/", src="/out/*.whl")
    return files.requires("tested", *(tested(build, version) for version in VERSIONS))
