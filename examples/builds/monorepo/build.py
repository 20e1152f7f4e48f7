"""A monorepo: several services and their libraries in a uv workspace, one image for each."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import uv


def base(build: Build) -> State:
    """Set up what all services have in common."""
    return (
        build.image("python:3.13-slim")
        .env("PYTHONUNBUFFERED", "1")
        .run("useradd --uid 1000 app")
        .workdir("/app")
    )


def service(build: Build, name: str) -> State:
    """Install one service, and build its image: only what the service needs is in it."""
    # uv checks the whole lock file. The code of other services is left out.
    files = ["uv.lock", "**/pyproject.toml", "libs", f"services/{name}"]
    tools = base(build).copy(build.image("ghcr.io/astral-sh/uv:0.9"), "/usr/local/bin/", src="/uv")
    flags = [f"--package={name}", "--no-editable"]
    installed = tools.pipe(uv.sync, build.context(include=files), dev=False, flags=flags)
    image = base(build).copy(installed, "/app/.venv", src="/app/.venv").user("app")
    return image.entrypoint([f"/app/.venv/bin/{name}"])


@target
def api(build: Build) -> State:
    """Build the API."""
    return service(build, "api").expose(8000)


@target
def mailer(build: Build) -> State:
    """Build the mailer."""
    return service(build, "mailer")
