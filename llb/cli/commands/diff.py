"""``llb diff``: compare the steps of two definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llb import compare as comparing
from llb.cli import definition_source
from llb.cli.sections import Command
from llb.cli.standard_streams import STANDARD_STREAM
from llb.errors import InvalidDefinitionError

if TYPE_CHECKING:
    from llb.definition.definition import Definition


@click.command(cls=Command)
@click.argument("old", metavar="OLD", type=click.Path())
@click.argument("new", metavar="NEW", type=click.Path())
def diff(old: str, new: str) -> None:
    """Compare the steps of two definitions.

    OLD and NEW are FILE.py, FILE.pb or -. A step that changed only through its inputs
    is listed below the step that caused it. The unique id of local directories is ignored.

    Exit status: 0 if they are equal, 1 if they differ or cannot be read.

    \b
    Example: llb diff before.pb build.py
    """  # noqa: D301 - click wants the control character
    comparison = compare_sources(old, new)
    click.echo(comparing.render(comparison), nl=False)
    if not comparison.equal:
        raise click.exceptions.Exit(1)


def compare_sources(old: str, new: str) -> comparing.Comparison:
    """Load two definitions and compare them. Raises UsageError."""
    if old == new == STANDARD_STREAM:
        raise click.UsageError("standard input holds one definition, not two")
    return comparing.compare(_load(old), _load(new))


def _load(source: str) -> Definition:
    """Load a definition; an error names the source, since there are two."""
    try:
        return definition_source.load(source).definition
    except InvalidDefinitionError as error:
        raise InvalidDefinitionError(f"{source}: {error.message}", hint=error.hint) from error
