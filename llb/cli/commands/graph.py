"""``llb graph``: draw the graph of a definition."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from llb import dump as dumping
from llb.child_processes import environment
from llb.cli import definition_source
from llb.cli.commands.dump import FORMATS
from llb.cli.sections import Command
from llb.errors import InputError
from llb.local_files.atomic_write import write_whole

_GRAPH_FORMATS = ("tree", "dot", "mermaid")
_TEXT_SUFFIXES = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".txt": "tree"}


@click.command(cls=Command)
@click.argument("source", metavar="FILE.py | FILE.pb | -", type=click.Path())
@click.option("--format", "form", type=click.Choice(_GRAPH_FORMATS), help="Output format.  [tree]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file, for example graph.svg.",
)
def graph(source: str, form: str | None, output: Path | None) -> None:
    """Draw the graph of a definition.

    Graphviz draws pictures (.svg, .png, .pdf); without it the graph is written in the
    DOT language. A .dot file gets DOT, a .mmd file gets Mermaid.

    \b
    Examples:
      llb graph build.py
      llb graph build.py -o graph.svg
    """  # noqa: D301 - click wants the control character
    definition = definition_source.load(source).definition
    if output is None:
        click.echo(FORMATS[form or "tree"](definition), nl=False)
    elif form is not None or output.suffix in _TEXT_SUFFIXES:
        write_whole(output, FORMATS[form or _TEXT_SUFFIXES[output.suffix]](definition).encode())
    else:
        _draw(dumping.dot(definition), output)


def _draw(dot_source: str, output: Path) -> None:
    """Render a picture with graphviz. Raises InputError."""
    kind = output.suffix.removeprefix(".")
    if not kind:
        raise click.UsageError(f"no file extension in {output}: expected a name such as graph.svg")
    graphviz = shutil.which("dot")
    if graphviz is None:
        dot_file = output.with_suffix(".dot")
        write_whole(dot_file, dot_source.encode())
        click.echo(f"graphviz is not installed; the graph is in {dot_file}", err=True)
        return
    process = subprocess.run(
        [graphviz, f"-T{kind}"],
        env=environment(),
        input=dot_source.encode(),
        capture_output=True,
        check=False,
    )
    if process.returncode:
        reason = " ".join(process.stderr.decode(errors="replace").split())
        raise InputError(f"graphviz could not draw {output}: {reason}")
    write_whole(output, process.stdout)
