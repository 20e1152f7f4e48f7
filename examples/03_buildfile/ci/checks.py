"""Checks that run with the build, and are kept as any other step."""

from llb import State, bind


def shell_syntax(tools: State, sources: State, path: str) -> State:
    """Return the tools once they found nothing wrong with a shell script."""
    return tools.run(f"sh -n /src/{path}", mounts=[bind(sources, "/src", readonly=True)])
