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
_SECTIONS = {
    "Build": ("build", "bake", "convert", "dockerfile", "frontend"),
    "Definitions": ("dump", "graph", "diff", "explain"),
    "Images in registries": ("imagetools",),
    "Builds and cache": ("history", "du", "prune"),
    "Daemon": ("builder", "daemon", "info", "workers", "ping", "debug", "dial-stdio"),
    "Shell": ("completion",),
}
# The short name of docker buildx.
_SHORT = {"b": "build"}
_BUILT_IN = frozenset(name for names in _SECTIONS.values() for name in names)


class Commands(click.Group):
    """A click group that imports a command on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature
        """List the names of all commands, for the help."""
        return sorted({*_BUILT_IN, *metadata.entry_points(group=GROUP).names})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in sections, and those of other packages last."""
        others = set(self.list_commands(ctx)) - _BUILT_IN
        # One width for all sections.
        width = max(len(name) for name in _BUILT_IN | others)
        limit = formatter.width - formatter.current_indent - width - 6
        for heading, names in {**_SECTIONS, "Other packages": sorted(others)}.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            rows = [
                (name.ljust(width), command.get_short_help_str(limit))
                for name, command in commands.items()
                if command is not None
            ]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the signature
        """Load a command, or return None if no package provides it."""
        cmd_name = _SHORT.get(cmd_name, cmd_name)
        if cmd_name in _BUILT_IN:
            name = cmd_name.replace("-", "_")
            return _command(resolve_name(f"llb.cli.commands.{name}:{name}"))

        for entry_point in metadata.entry_points(group=GROUP, name=cmd_name):
            return _command(entry_point.load())
        return None


def _command(value: object) -> click.Command:
    assert isinstance(value, click.Command)
    return value
