"""A Python web service: installed by uv from its lock file, tested, with prepared static files."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import uv


def base(build: Build) -> State:
    """Set up Python, for building and running."""
    state = build.image("python:3.13-slim").env("PYTHONUNBUFFERED", "1").workdir("/app")
    return state.env("PATH", f"/app/.venv/bin:{state.getenv('PATH')}")


def installed(build: Build, *, dev: bool) -> State:
    """Install the service, and prepare its static files."""
    tools = base(build).copy(build.image("ghcr.io/astral-sh/uv:0.9"), "/usr/local/bin/", src="/uv")
    service = tools.pipe(uv.sync, build.context(), dev=dev)
    return service.run("python -m app.static static")


@target
def test(build: Build) -> State:
    """Run the tests."""
    return installed(build, dev=True).run("python -m unittest")


@target(default=True)
def image(build: Build) -> State:
    """Build the image."""
    service = installed(build, dev=False).requires("tested", test())
    return (
        base(build)
        .run("useradd --uid 1000 app")
        .copy(service, "/app", src="/app", owner="app")
        .user("app")
        .expose(8000)
        .healthcheck(["python", "-m", "app.health"], interval=30)
        .cmd(["python", "-m", "app"])
    )
