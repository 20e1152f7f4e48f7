"""``llb graph``: the graph of a definition, drawn."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from llb import dump as dumping
from llb.atomic_write import write_whole
from llb.child_processes import environment
from llb.cli import definition_source
from llb.cli.commands.dump import FORMATS
from llb.errors import InputError

_DRAWINGS = ("tree", "dot", "mermaid")
_TEXTS = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".txt": "tree"}


@click.command()
@click.argument("source", metavar="FILE.py | FILE.pb | -")
@click.option("--format", "form", type=click.Choice(_DRAWINGS), help="Output format.  [tree]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file, for example graph.svg.",
)
def graph(source: str, form: str | None, output: Path | None) -> None:
    """Draw the graph of a definition.

    A picture (.svg, .png, .pdf) is drawn by graphviz; without graphviz the graph is
    written in the DOT language. A .dot file holds that, and a .mmd file Mermaid's.

    \b
    Examples:
      llb graph examples/01_hello.py
      llb graph examples/01_hello.py -o graph.svg
    """  # noqa: D301 - click wants the control character
    definition = definition_source.load(source).definition
    if output is None:
        click.echo(FORMATS[form or "tree"](definition), nl=False)
    elif form is not None or output.suffix in _TEXTS:
        write_whole(output, FORMATS[form or _TEXTS[output.suffix]](definition).encode())
    else:
        _draw(dumping.dot(definition), output)


def _draw(text: str, output: Path) -> None:
    """Write a picture; raises InputError."""
    kind = output.suffix.removeprefix(".")
    if not kind:
        raise click.UsageError(f"{output} names no kind of picture, as graph.svg does")
    graphviz = shutil.which("dot")
    if graphviz is None:
        beside = output.with_suffix(".dot")
        write_whole(beside, text.encode())
        click.echo(f"graphviz is not installed; the graph is in {beside}", err=True)
        return
    done = subprocess.run(
        [graphviz, f"-T{kind}"],
        env=environment(),
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise InputError(f"graphviz could not draw {output}: {reason}")
    write_whole(output, done.stdout)
