"""A Go program with a module from a private repository, fetched with a token or with ssh."""

from llb import Git, State
from llb.buildfile import Build, target
from llb.recipes import go


@target
def image(
    build: Build, repository: str = "https://github.com/acme/greetings.git", ref: str = "v1.4.0"
) -> State:
    """Build the image."""
    # The daemon fetches the repository. No step sees the token, and no image needs git.
    source = build.context().copy(Git(repository, ref=ref), "/greetings")
    tools = build.image("golang:1.26").env("CGO_ENABLED", "0")
    built = tools.pipe(go.build, source, output="/out/hello")
    return build.scratch().copy(built, "/hello", src="/out/hello").entrypoint(["/hello"])
