"""``llb dockerfile``: convert Dockerfiles to LLB without a daemon."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from attrs import evolve

from llb.cli.sections import Group
from llb.cli.standard_streams import STANDARD_STREAM, read_input
from llb.dockerfile import DockerfileError, ImageTable, convert
from llb.errors import LLBError
from llb.local_files.atomic_write import write_whole
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.dockerfile import Conversion


_Converter: TypeAlias = "Callable[[bytes, str], Conversion]"


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def dockerfile() -> None:
    """Convert Dockerfiles without a daemon."""


@dockerfile.command("convert")
@click.argument("files", metavar="FILE... | -", nargs=-1, required=True, type=click.Path())
@click.option(
    "--resolver", metavar="FILE", help="Image configs as JSON: {image or *: {digest, config}}."
)
@click.option("--platform", metavar="P", help="Target platform; by default the build platform.")
@click.option("--build-platform", metavar="P", help="Build platform; by default this machine's.")
@click.option("--build-arg", "build_args", metavar="K=V", multiple=True, help="Build argument.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Label of the image.")
@click.option("--context", "contexts", metavar="NAME=V", multiple=True, help="Named context.")
@click.option("--target", metavar="STAGE", help="Stage to build; by default the last.")
@click.option("--local-unique-id", metavar="ID", default="", help="Unique id of local sources.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the definition (pb.Definition)."
)
@click.option("--config", type=click.Path(path_type=Path), help="Write the image config.")
@click.option("--jsonl", is_flag=True, help="Print one JSON object per file.")
def convert_command(
    files: tuple[str, ...],
    resolver: str | None,
    platform: str | None,
    build_platform: str | None,
    build_args: tuple[str, ...],
    labels: tuple[str, ...],
    contexts: tuple[str, ...],
    target: str | None,
    local_unique_id: str,
    output: Path | None,
    config: Path | None,
    *,
    jsonl: bool,
) -> None:
    """Convert a Dockerfile to LLB and an image config.

    FILE is a Dockerfile, or - for standard input. No daemon or registry is contacted: the
    resolver file holds the digest and config of every image.

    With --jsonl, each FILE becomes a line of JSON with file, ok, and either ops (their
    number), definition (base64), config and warnings, or error and line. With - the file
    names come from standard input, one per line. A file that cannot be converted neither
    stops the others nor makes the command fail.

    \b
    Examples:
      llb dockerfile convert Dockerfile --resolver images.json -o def.pb --config config.json
      find . -name Dockerfile | llb dockerfile convert --jsonl - --resolver images.json
    """  # noqa: D301 - click wants the control character
    options: dict[str, Any] = {
        "resolver": _image_table(resolver),
        "platform": None if platform is None else to_platform(platform),
        "build_platform": None if build_platform is None else to_platform(build_platform),
        "build_args": _pairs(build_args, "--build-arg"),
        "labels": _pairs(labels, "--label"),
        "contexts": _pairs(contexts, "--context"),
        "target": target,
        "local_unique_id": local_unique_id,
    }

    def converter(data: bytes, filename: str) -> Conversion:
        return convert(data, filename=filename, **options)

    if jsonl:
        if output is not None or config is not None:
            raise click.UsageError("-o and --config cannot be used with --jsonl")
        _print_lines(_file_names(files), converter)
    else:
        _convert_one(files, converter, output, config)


def _convert_one(
    files: tuple[str, ...], converter: _Converter, output: Path | None, config: Path | None
) -> None:
    if len(files) != 1:
        raise click.UsageError("several files need --jsonl")
    try:
        conversion = converter(read_input(files[0]), "Dockerfile")
    except DockerfileError as error:
        # In the definition the file is always called Dockerfile, whatever its name is here.
        if error.span is not None and files[0] != STANDARD_STREAM:
            error.span = evolve(error.span, filename=files[0])
        raise
    if config is not None:
        write_whole(config, conversion.image_config)
    if output is not None:
        conversion.definition.to_file(output)
    elif sys.stdout.isatty():
        raise click.UsageError(
            "refusing to write a binary definition to a terminal: use -o FILE or a pipe"
        )
    else:
        sys.stdout.buffer.write(conversion.definition.to_bytes())


def _print_lines(names: Iterable[str], converter: _Converter) -> None:
    for name in names:
        click.echo(json.dumps(_to_record(name, converter), ensure_ascii=False).encode())


def _to_record(name: str, converter: _Converter) -> dict[str, Any]:
    """Convert one file and describe the outcome."""
    shown = name.encode("utf-8", errors="replace").decode()
    try:
        conversion = converter(read_input(name), "Dockerfile")
        return {
            "file": shown,
            "ok": True,
            "ops": len(conversion.definition.ops),
            "definition": base64.b64encode(conversion.definition.to_bytes()).decode(),
            "config": json.loads(conversion.image_config),
            "warnings": list(conversion.warnings),
        }
    except LLBError as error:
        line = None if error.span is None else error.span.line
        message = error.docker_words if isinstance(error, DockerfileError) else error.message
        return {"file": shown, "ok": False, "error": message, "line": line}
    except Exception as error:  # noqa: BLE001 - a bug in one file is reported and does not stop the others
        message = f"internal error: {type(error).__name__}: {error}"
        return {"file": shown, "ok": False, "error": message, "line": None}


def _file_names(files: tuple[str, ...]) -> Iterable[str]:
    for name in files:
        if name == STANDARD_STREAM:
            lines = sys.stdin.buffer
            yield from (
                line.rstrip(b"\r\n").decode("utf-8", errors="surrogateescape")
                for line in lines
                if line.strip()
            )
        else:
            yield name


def _image_table(path: str | None) -> ImageTable:
    return ImageTable({}) if path is None else ImageTable.from_json(read_input(path))


def _pairs(arguments: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise click.UsageError(f"invalid {option} {argument!r}: expected NAME=VALUE")
        pairs[key] = value
    return pairs
