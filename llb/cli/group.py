"""The commands of ``llb``: built-in commands and plugins from other packages.

A package adds a command with an entry point in the group ``llb.commands``, which names the
command and its click object. Commands load on first use, so unused ones cost nothing.
"""

from __future__ import annotations

from pkgutil import resolve_name

import click

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    from importlib import metadata  # 31 ms

GROUP = "llb.commands"
# Without the modules of all other commands, a build starts 25 ms sooner.
_BUILT_IN = (
    "build",
    "completion",
    "convert",
    "daemon",
    "debug",
    "dial-stdio",
    "diff",
    "dockerfile",
    "du",
    "dump",
    "explain",
    "frontend",
    "graph",
    "history",
    "info",
    "ping",
    "prune",
    "workers",
)


class Commands(click.Group):
    """A click group that imports a command on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature
        """List the names of all commands, for the help."""
        return sorted({*_BUILT_IN, *metadata.entry_points(group=GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the signature
        """Load a command, or return None if no package provides it."""
        if cmd_name in _BUILT_IN:
            name = cmd_name.replace("-", "_")
            return _command(resolve_name(f"llb.cli.commands.{name}:{name}"))

        for entry_point in metadata.entry_points(group=GROUP, name=cmd_name):
            return _command(entry_point.load())
        return None


def _command(value: object) -> click.Command:
    assert isinstance(value, click.Command)
    return value
