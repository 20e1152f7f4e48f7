"""``llb convert``: convert a Dockerfile to a Python build file, or back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

from llb._lazy import lazy_imports
from llb.cli.sections import Command
from llb.cli.standard_streams import STANDARD_STREAM, read_input, write_output
from llb.dockerfile import DockerfileError, ImageTable
from llb.dockerfile.to_python import rewrite
from llb.errors import InputError
from llb.local_files import paths

with lazy_imports(__name__):
    from llb.dockerfile import to_dockerfile  # 6 ms
    from llb.frontend.buildfiles import offline  # 19 ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.dockerfile.to_python import Rewritten

_DEFAULT_BUILD_FILE = "build.py"


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", metavar="FILE | -", type=click.Path())
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=STANDARD_STREAM,
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
@click.option(
    "--context",
    metavar="DIR",
    help="Build context that a build file reads; by default the directory of the file.",
)
@click.option("--build-arg", "build_args", metavar="K=V", multiple=True, help="Build argument.")
def convert(
    file: str,
    output: str,
    kind: str,
    target: str | None,
    syntax: str | None,
    resolver: str | None,
    platform: str | None,
    context: str | None,
    build_args: tuple[str, ...],
) -> None:
    """Convert a Dockerfile to a Python build file, or back.

    FILE is a Dockerfile, or - for standard input. Stages become functions, ARGs parameters, and
    comments stay. A stage that Python cannot express is built from its Dockerfile text; a line
    on standard error reports it. The same applies to a stage whose base image has ONBUILD
    instructions, which are detected only with a resolver file.

    With --to dockerfile, FILE is a build file. Its target is written as a Dockerfile for one
    platform and the given build args, with the files that it reads from the build context. Steps that a Dockerfile cannot express are listed. The
    resolver file holds the digest and config of every image.

    \b
    Examples:
      llb convert Dockerfile > build.py
      llb convert Dockerfile -o build.py --target release && llb build build.py
      llb convert --to dockerfile build.py --resolver images.json > Dockerfile
    """  # noqa: D301 - click wants the control character
    table = None if resolver is None else ImageTable.from_json(read_input(resolver))
    if kind == "dockerfile":
        if syntax is not None:
            raise click.UsageError("--syntax cannot be used with --to dockerfile")
        write_output(
            output,
            _to_dockerfile(
                file, target, table or ImageTable({}), platform, context, _pairs(build_args)
            ),
        )
        return
    if platform is not None or context is not None or build_args:
        raise click.UsageError("--platform, --context and --build-arg need --to dockerfile")
    rewritten = _to_python(file, target, syntax, table)
    for fallback in rewritten.fallbacks:
        click.echo(
            f"stage {fallback.stage} stays a Dockerfile: line {fallback.line}: {fallback.reason}",
            err=True,
        )
    write_output(output, rewritten.source)


def _to_python(
    file: str, target: str | None, syntax: str | None, table: ImageTable | None
) -> Rewritten:
    try:
        return rewrite(read_input(file), target=target, syntax=syntax, resolver=table)
    except DockerfileError as error:
        if error.span is not None and file != STANDARD_STREAM:
            error.span = evolve(error.span, filename=file)
        raise


def _to_dockerfile(
    file: str,
    target: str | None,
    table: ImageTable,
    platform: str | None,
    context: str | None,
    build_args: Mapping[str, str],
) -> str:
    folder = Path() if file == STANDARD_STREAM else Path(file).parent
    if context is not None and not paths.is_dir(context):
        raise InputError(f"build context: no such directory: {context}")
    tree = offline.evaluate(
        read_input(file),
        resolver=table,
        filename=_DEFAULT_BUILD_FILE if file == STANDARD_STREAM else Path(file).name,
        target=target,
        platform=platform,
        build_args=build_args,
        neighbours=_Files(folder, folder if context is None else Path(context)),
    )
    return to_dockerfile.to_dockerfile(tree, resolver=table, platform=platform)


class _Files(Mapping[str, bytes]):
    """The files of the build context and next to the build file, read when they are needed."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def __getitem__(self, name: str) -> bytes:
        for folder in () if name.startswith("..") else self._folders:
            if paths.is_file(folder / name):
                return (folder / name).read_bytes()
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        for folder in dict.fromkeys(self._folders):
            for path in folder.rglob("*.py"):
                yield path.relative_to(folder).as_posix()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _pairs(arguments: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise click.UsageError(f"invalid --build-arg {argument!r}: expected NAME=VALUE")
        pairs[key] = value
    return pairs
