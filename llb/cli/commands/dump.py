"""``llb dump``: print the operations of a definition without building it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llb import dump as dumping
from llb.cli import definition_source
from llb.cli.sections import Command
from llb.control_characters import escape_in_json
from llb.local_files.atomic_write import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.definition.definition import Definition

FORMATS: Mapping[str, Callable[[Definition], str]] = {
    "text": dumping.text,
    "json": dumping.json,
    "tree": dumping.tree,
    "dot": dumping.dot,
    "mermaid": dumping.mermaid,
}


@click.command(cls=Command)
@click.argument("source", metavar="FILE.py | FILE.pb | -", type=click.Path())
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", help="Output format."
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Output file."
)
def dump(source: str, form: str, output: Path | None) -> None:
    """Print the operations of a definition.

    The JSON is that of `buildctl debug dump-llb`, one operation per line.

    \b
    Examples:
      llb dump build.py
      llb dump build.py --format json | jq .Digest
    """  # noqa: D301 - click wants the control character
    text = FORMATS[form](definition_source.load(source).definition)
    if output is None:
        # The other formats escape control characters themselves.
        click.echo(escape_in_json(text) if form == "json" else text, nl=False)
    else:
        write_whole(output, text.encode())
