"""A service in TypeScript: compiled and tested, with the packages that it needs to run."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import npm


def node(build: Build) -> State:
    """Set up Node.js, for building and running."""
    return build.image("node:24-slim").workdir("/app")


@target
def compiled(build: Build) -> State:
    """Compile the service, and run its tests."""
    return node(build).pipe(npm.ci, build.context()).run("npm run build && npm test")


@target(default=True)
def image(build: Build) -> State:
    """Build the image."""
    # Without the compiler. A change of the sources does not install anything again.
    packages = build.context(include=["package.json", "package-lock.json"])
    return (
        node(build)
        .env("NODE_ENV", "production")
        .pipe(npm.ci, packages, omit=["dev"])
        .copy(compiled(), "dist", src="/app/dist", exclude=["*.test.js"])
        .user("node")
        .expose(8000)
        .cmd(["node", "dist/main.js"])
    )
