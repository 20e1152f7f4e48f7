"""A FastAPI service: pip installs its locked requirements into a virtual environment."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import expect_command, pip


@target
def packages(build: Build) -> State:
    """Install the requirements, with the compilers of the full image at hand."""
    tools = build.image("python:3.13").run("python -m venv --without-pip /venv")
    return tools.env("PIP_PYTHON", "/venv").pipe(
        pip.install,
        requirements="requirements.txt",
        source=build.context(),
        flags=["--require-hashes"],
    )


@target(default=True)
def image(build: Build) -> State:
    """Build the image, and check that the service can be imported."""
    base = build.image("python:3.13-slim").env("PYTHONUNBUFFERED", "1").workdir("/srv")
    return (
        base.env("PATH", f"/venv/bin:{base.getenv('PATH')}")
        .run("useradd --uid 1000 app")
        .copy(packages(), "/venv", src="/venv")
        .copy(build.context(), "/srv/app", src="app")
        .user("app")
        .expose(8000)
        .healthcheck(["python", "-m", "app.health"], interval=30)
        .cmd(["uvicorn", "app.main:app", "--host=0.0.0.0", "--port=8000"])
        .pipe(expect_command, ["python", "-c", "import app.main"])
    )
