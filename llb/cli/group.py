"""The commands of ``llb``: its own, and those that other packages bring.

A package brings one with an entry point of the group ``llb.commands``: the name of the
command, and the click command that it is. It is loaded when it is asked for, so that the
others cost it nothing.
"""

from __future__ import annotations

from pkgutil import resolve_name

import click

GROUP = "llb.commands"
# A build starts 25 ms sooner without the modules of all other commands.
_OWN = (
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
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature
        """Return the names of all commands, for the help."""
        # What is installed takes 15 ms to find out about.
        from importlib.metadata import entry_points  # noqa: PLC0415

        return sorted({*_OWN, *entry_points(group=GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the signature
        """Return a command, or None where nobody brings one of that name."""
        if cmd_name in _OWN:
            name = cmd_name.replace("-", "_")
            return _command(resolve_name(f"llb.cli.commands.{name}:{name}"))
        from importlib.metadata import entry_points  # noqa: PLC0415 - as above

        for found in entry_points(group=GROUP, name=cmd_name):
            return _command(found.load())
        return None


def _command(found: object) -> click.Command:
    assert isinstance(found, click.Command)
    return found
