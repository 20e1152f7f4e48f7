"""A web service and its worker: two images of one source, each with its own packages."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import uv


def service(build: Build, name: str) -> State:
    """Build the image of the module and the extra of this name."""
    base = build.image("python:3.13-slim").env("PYTHONUNBUFFERED", "1").workdir("/app")
    base = base.env("PATH", f"/app/.venv/bin:{base.getenv('PATH')}")
    tools = base.copy(build.image("ghcr.io/astral-sh/uv:0.9"), "/usr/local/bin/", src="/uv")
    installed = tools.pipe(uv.sync, build.context(), extras=[name], dev=False)
    return (
        base.run("useradd --uid 1000 jobs && install -d -o jobs /queue")
        .copy(installed, "/app", src="/app")
        .user("jobs")
        .volume("/queue")
        .cmd(["python", "-m", f"jobs.{name}"])
    )


@target(default=True)
def web(build: Build) -> State:
    """Build the web service."""
    return service(build, "web").expose(8000)


@target
def worker(build: Build) -> State:
    """Build the worker."""
    return service(build, "worker")
