"""``llb diff``: what is different between two definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llb import compare as comparing
from llb.cli import definition_source
from llb.errors import InvalidDefinitionError

if TYPE_CHECKING:
    from llb.definition.definition import Definition


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def diff(old: str, new: str) -> None:
    """Compare the steps of two definitions.

    OLD and NEW are FILE.py, FILE.pb or -. A step that does the same as before to other
    inputs is listed below the step that is the reason. The mark that keeps apart the
    local directories of builds is not compared.

    Exit status: 0 when they are equal, 1 when they differ or cannot be read.

    \b
    Example: llb diff before.pb build.py
    """  # noqa: D301 - click wants the control character
    found = compare_sources(old, new)
    click.echo(comparing.render(found), nl=False)
    if not found.equal:
        raise click.exceptions.Exit(1)


def compare_sources(old: str, new: str) -> comparing.Comparison:
    """Return what differs between two definitions, by what names them. Raises UsageError."""
    if old == new == definition_source.STANDARD_INPUT:
        raise click.UsageError("standard input holds one definition, not two")
    return comparing.compare(_load(old), _load(new))


def _load(source: str) -> Definition:
    """Return a definition; the error of one that is none says which of the two it is."""
    try:
        return definition_source.load(source).definition
    except InvalidDefinitionError as error:
        raise InvalidDefinitionError(f"{source}: {error.message}", hint=error.hint) from error
