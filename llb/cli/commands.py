"""The commands of ``llb``: its own, and those that other packages bring.

A package brings one with an entry point of the group ``llb.commands``: the name of the
command, and the click command that it is. It is loaded when it is asked for, so that the
others cost it nothing.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import click

GROUP = "llb.commands"


class Commands(click.Group):
    """A group that looks for what it does not have among the entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, for the help."""
        return sorted({*super().list_commands(ctx), *entry_points(group=GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where nobody brings one of that name."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for found in entry_points(group=GROUP, name=cmd_name):
            command = found.load()
            assert isinstance(command, click.Command)
            return command
        return None
