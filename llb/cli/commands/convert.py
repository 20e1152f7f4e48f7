"""``llb convert``: a Dockerfile as a build file in Python, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

from llb.atomic_write import write_whole
from llb.dockerfile import DockerfileError, ImageTable
from llb.dockerfile.to_python import rewrite
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.to_python import Rewritten

_STANDARD = "-"
_PYTHON = "build.py"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", metavar="FILE | -")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=_STANDARD,
    help="Output file; by default standard output.",
)
@click.option(
    "--to",
    "kind",
    type=click.Choice(["python", "dockerfile"]),
    default="python",
    help="Language of the output.",
)
@click.option("--target", metavar="STAGE", help="Default target; by default the last stage.")
@click.option("--syntax", metavar="IMAGE", help="Frontend image for the syntax line.")
@click.option(
    "--resolver", metavar="FILE", help="Image configs as JSON: {image or *: {digest, config}}."
)
@click.option("--platform", metavar="P", help="Platform; by default this machine's.")
@click.option("--build-arg", "build_args", metavar="K=V", multiple=True, help="Build argument.")
def convert(
    file: str,
    output: str,
    kind: str,
    target: str | None,
    syntax: str | None,
    resolver: str | None,
    platform: str | None,
    build_args: tuple[str, ...],
) -> None:
    """Convert a Dockerfile to a Python build file, or back.

    FILE is a Dockerfile, or - for standard input. Stages become functions, ARGs parameters, and
    comments stay. A stage that Python cannot say is built from the Dockerfile's own text, of
    which a line on standard error tells. With a resolver file, a stage upon an image with
    ONBUILD is known to be one of these.

    With --to dockerfile, FILE is a build file, whose target is written as a Dockerfile for one
    platform and for these build args. The steps that no Dockerfile makes are listed. The
    resolver file says digest and config of every image.

    \b
    Examples:
      llb convert Dockerfile > build.py
      llb convert Dockerfile -o build.py --target release && llb build build.py
      llb convert --to dockerfile build.py --resolver images.json > Dockerfile
    """  # noqa: D301 - click wants the control character
    table = None if resolver is None else ImageTable.from_json(_read(resolver))
    if kind == "dockerfile":
        if syntax is not None:
            raise click.UsageError("--syntax is for a build file, and not for a Dockerfile")
        _write(output, _back(file, target, table or ImageTable({}), platform, _pairs(build_args)))
        return
    if platform is not None or build_args:
        raise click.UsageError("--platform and --build-arg go with --to dockerfile")
    made = _rewritten(file, target, syntax, table)
    for each in made.fallbacks:
        click.echo(
            f"stage {each.stage} stays a Dockerfile: line {each.line}: {each.reason}", err=True
        )
    _write(output, made.source)


def _rewritten(
    file: str, target: str | None, syntax: str | None, table: ImageTable | None
) -> Rewritten:
    try:
        return rewrite(_read(file), target=target, syntax=syntax, resolver=table)
    except DockerfileError as error:
        if error.span is not None and file != _STANDARD:
            error.span = evolve(error.span, filename=file)
        raise


def _back(
    file: str,
    target: str | None,
    table: ImageTable,
    platform: str | None,
    build_args: Mapping[str, str],
) -> str:
    # What evaluates a build file is much, and the other way does without it.
    from llb.dockerfile.to_dockerfile import to_dockerfile  # noqa: PLC0415
    from llb.frontend.buildfiles.offline import evaluate  # noqa: PLC0415

    folder = Path() if file == _STANDARD else Path(file).parent
    tree = evaluate(
        _read(file),
        resolver=table,
        filename=_PYTHON if file == _STANDARD else Path(file).name,
        target=target,
        platform=platform,
        build_args=build_args,
        neighbours={
            path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.py")
        },
    )
    return to_dockerfile(tree, resolver=table, platform=platform)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not key or not equals:
            raise click.UsageError(f"--build-arg {each}: expected NAME=VALUE")
        pairs[key] = value
    return pairs


def _read(name: str) -> bytes:
    if name == _STANDARD:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot read {name}: {reason}") from error


def _write(name: str, text: str) -> None:
    if name == _STANDARD:
        click.echo(text, nl=False)
        return
    write_whole(name, text.encode())
