"""``llb dump`` and ``llb graph``: look at a definition without building it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from llb import dump as dumping
from llb.cli import script
from llb.cli.files import write_text
from llb.errors import InputError


@click.command()
@click.argument("source", metavar="FILE.py | FILE.pb | -")
def dump(source: str) -> None:
    """Print every operation of a definition with all its fields.

    \b
    Example: llb dump examples/01_hello.py
    """  # noqa: D301 - click wants the control character
    click.echo(dumping.text(script.load(source).definition), nl=False)


@click.command()
@click.argument("source", metavar="FILE.py | FILE.pb | -")
@click.option(
    "--format", "form", type=click.Choice(["tree", "dot"]), default="tree", help="On the screen."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A picture.")
def graph(source: str, form: str, output: Path | None) -> None:
    """Draw the graph of a definition, as a tree or as a picture.

    A picture (.svg, .png, .pdf) is drawn by graphviz; without graphviz the graph is
    written in the DOT language.

    \b
    Examples:
      llb graph examples/01_hello.py
      llb graph examples/01_hello.py -o graph.svg
    """  # noqa: D301 - click wants the control character
    definition = script.load(source).definition
    if output is not None:
        _draw(dumping.dot(definition), output)
    elif form == "dot":
        click.echo(dumping.dot(definition), nl=False)
    else:
        click.echo(dumping.tree(definition), nl=False)


def _draw(text: str, output: Path) -> None:
    graphviz = shutil.which("dot")
    if output.suffix == ".dot" or graphviz is None:
        target = output.with_suffix(".dot")
        write_text(target, text)
        if output.suffix != ".dot":
            click.echo(f"graphviz is not installed; the graph is in {target}", err=True)
        return
    arguments = [graphviz, f"-T{output.suffix.removeprefix('.')}", "-o", str(output)]
    done = subprocess.run(arguments, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"graphviz could not draw {output}: {' '.join(done.stderr.split())}")
