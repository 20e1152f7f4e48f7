"""A Django site: installed by uv, tested, with its static files, served by gunicorn."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import uv

# Django's commands need a key. The variable is set for single steps, and is not in the image.
KEY = {"SECRET_KEY": "only for the build"}


def python(build: Build) -> State:
    """Set up Python, for building and running."""
    state = build.image("python:3.13-slim").env("PYTHONUNBUFFERED", "1").workdir("/app")
    return state.env("PATH", f"/app/.venv/bin:{state.getenv('PATH')}")


def installed(build: Build) -> State:
    """Install the site with the packages of its lock file."""
    tools = python(build).copy(
        build.image("ghcr.io/astral-sh/uv:0.9"), "/usr/local/bin/", src="/uv"
    )
    return tools.pipe(uv.sync, build.context(), dev=False)


@target
def test(build: Build) -> State:
    """Run the tests."""
    return installed(build).run("python manage.py test", env=KEY)


@target(default=True)
def image(build: Build) -> State:
    """Build the image, if the tests pass."""
    site = installed(build).run("python manage.py collectstatic --no-input", env=KEY)
    return (
        python(build)
        .run("useradd --uid 1000 django")
        .copy(site.requires("tested", test()), "/app", src="/app")
        .user("django")
        .expose(8000)
        .cmd(["gunicorn", "--bind=0.0.0.0:8000", "mysite.wsgi"])
    )
