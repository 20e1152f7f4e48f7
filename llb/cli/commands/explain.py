"""``llb explain``: why steps are built again."""

from __future__ import annotations

import click

from llb import compare as comparing
from llb.cli.commands.diff import compare_sources


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def explain(old: str, new: str) -> None:
    """Explain the cache misses between two definitions.

    OLD and NEW are FILE.py, FILE.pb or -. Nothing is asked of a daemon: the
    definitions say which steps are others. A step that copies files out of a changed one
    may be reused all the same, when the files come out equal.

    Exit status: 0 when every step can be reused, 1 when not, or on an error.

    \b
    Example: llb explain before.pb build.py
    """  # noqa: D301 - click wants the control character
    found = compare_sources(old, new)
    click.echo(comparing.explain(found), nl=False)
    if found.rebuilds:
        raise click.exceptions.Exit(1)
