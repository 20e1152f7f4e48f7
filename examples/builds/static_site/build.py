"""A documentation site: built by MkDocs, as files or as an image with nginx."""

from llb import Scratch, State
from llb.buildfile import Build, target
from llb.recipes import pip


@target
def files(build: Build) -> State:
    """Build the site; a broken link fails the build."""
    tools = build.image("python:3.13-slim").pipe(
        pip.install, requirements="requirements.txt", source=build.context()
    )
    pages = build.context(include=["mkdocs.yml", "docs"])
    built = tools.workdir("/src").copy(pages, ".").run("mkdocs build --strict --site-dir /site")
    return Scratch().copy(built, "/", src="/site")


@target(default=True)
def image(build: Build) -> State:
    """Serve the site with nginx."""
    return build.image("nginx:alpine").copy(files(), "/usr/share/nginx/html")
