"""Checks that run with the build, and are cached like any other step."""

from llb import State, bind


def shell_syntax(tools: State, sources: State, path: str) -> State:
    """Check the syntax of a shell script with the tools."""
    return tools.run(f"sh -n /src/{path}", mounts=[bind(sources, "/src", readonly=True)])
