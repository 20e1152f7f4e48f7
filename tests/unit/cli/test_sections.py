"""Flags of commands take values, as in buildx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from llb.cli.sections import Command

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(cls=Command)
@click.argument("words", nargs=-1)
@click.option("--push", is_flag=True)
@click.option("--no-cache/--cache", "no_cache", default=None)
@click.option("--name")
def command(**options: Any) -> None:
    """Print the options."""
    click.echo(repr(sorted(options.items())))


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ((), {}),
        (["--push"], {"push": True}),
        (["--push=true"], {"push": True}),
        (["--push=1", "--push=false"], {"push": True}),
        (["--push=false"], {}),
        (["--no-cache=t"], {"no_cache": True}),
        (["--no-cache=F"], {"no_cache": False}),
        (["--name=true"], {"name": "true"}),
        (["--", "--push=true"], {"words": ("--push=true",)}),
    ],
)
def test_a_flag_takes_a_boolean(arguments: Sequence[str], changes: dict[str, Any]) -> None:
    expected = {"words": (), "push": False, "no_cache": None, "name": None} | changes
    assert CliRunner().invoke(command, arguments).output == f"{sorted(expected.items())!r}\n"


def test_a_flag_takes_no_other_value() -> None:
    result = CliRunner().invoke(command, ["--push=maybe"])
    assert result.exit_code == 2
    assert "does not take a value" in result.output
