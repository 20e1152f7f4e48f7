"""``llb explain``: explain the cache misses between two definitions."""

from __future__ import annotations

import click

from llb import compare as comparing
from llb.cli.commands.diff import compare_sources
from llb.cli.sections import Command


@click.command(cls=Command)
@click.argument("old", metavar="OLD", type=click.Path())
@click.argument("new", metavar="NEW", type=click.Path())
def explain(old: str, new: str) -> None:
    """Explain the cache misses between two definitions.

    OLD and NEW are FILE.py, FILE.pb or -. No daemon is contacted: only the definitions
    are compared. A step that copies files from a changed step may still be reused if the
    files turn out equal.

    Exit status: 0 if every step can be reused, 1 if not, or on an error.

    \b
    Example: llb explain before.pb build.py
    """  # noqa: D301 - click wants the control character
    comparison = compare_sources(old, new)
    click.echo(comparing.explain(comparison), nl=False)
    if comparison.rebuilds:
        raise click.exceptions.Exit(1)
