"""``llb imagetools``: combine images in registries, and look at them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from llb._lazy import lazy_imports
from llb.cli.completions import DISPLAYS, PLATFORMS, words
from llb.cli.registry_options import open_registries, with_registry_options
from llb.cli.sections import Command, Group, Section
from llb.errors import InputError
from llb.gocompat.json import marshal_indent

with lazy_imports(__name__):
    from llb.client import imagetools as tools  # 60 ms
    from llb.client.progress import display  # 4 ms
    from llb.local_files import atomic_write  # 4 ms

_FILE = click.Path(dir_okay=False, path_type=Path)
_IMAGE = Section("Image")
_OUTPUT = Section("Output")
_PREFER_INDEX = "--prefer-index"


class _CreateCommand(Command):
    """A command whose switch ``--prefer-index`` has a value only after an equals sign."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, of which the bare switch is true."""
        values = [f"{_PREFER_INDEX}=true" if value == _PREFER_INDEX else value for value in args]
        return super().parse_args(ctx, values)


@click.group(cls=Group)
def imagetools() -> None:
    """Combine images in registries, and look at them.

    \b
    Example: llb imagetools inspect alpine
    """  # noqa: D301 - click wants the control character


@imagetools.command(cls=_CreateCommand)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@_IMAGE.repeatable("-t", "--tag", "tags", metavar="NAME", help="Reference of the new image.")
@_IMAGE.repeatable(
    "-f",
    "--file",
    "files",
    type=_FILE,
    help="File with a source: a reference, a digest, or a descriptor in JSON.",
)
@_IMAGE.option("--append", is_flag=True, help="Add the sources to the image of the first --tag.")
@_IMAGE.repeatable(
    "--annotation",
    "annotations",
    metavar="TYPE:KEY=VALUE",
    help="Annotation; the type is index or manifest-descriptor[PLATFORM].",
)
@_IMAGE.repeatable(
    "-p",
    "--platform",
    "platforms",
    metavar="PLATFORM",
    shell_complete=words(*PLATFORMS),
    help="Platform to keep; by default all.",
)
@_IMAGE.option(
    _PREFER_INDEX,
    type=click.BOOL,
    default=True,
    metavar="[=BOOL]",
    help="Put a single image into an index; =false copies it as it is.",
)
@_OUTPUT.option("--dry-run", is_flag=True, help="Print the new image instead of pushing it.")
@_OUTPUT.option(
    "--metadata-file", type=_FILE, metavar="FILE", help="Write the digest and the name as JSON."
)
@_OUTPUT.option(
    "--progress",
    default="auto",
    metavar="KIND",
    shell_complete=words(*DISPLAYS),
    help="Progress display: auto, plain, tty, rawjson, quiet or none.",
)
@with_registry_options
def create(
    *,
    sources: tuple[str, ...],
    tags: tuple[str, ...],
    files: tuple[Path, ...],
    platforms: tuple[str, ...],
    metadata_file: Path | None,
    progress: str,
    registry_tls: tuple[str, ...],
    plain_http: tuple[str, ...],
    builder: str | None,
    **options: Any,
) -> None:
    """Combine images to one, and push it.

    A source is a reference, a digest in the repository of the tags, or oci-layout://DIR[:TAG]. A
    single index is copied as it is.

    \b
    Examples:
      llb imagetools create -t example.com/app:1 example.com/app:amd64 example.com/app:arm64
      llb imagetools create -t mirror.example.com/alpine:3.20 alpine:3.20
    """  # noqa: D301 - click wants the control character
    shown = display.display(progress, sys.stderr)
    with open_registries(registry_tls, plain_http, builder) as client, shown:
        image = tools.create(
            [*map(_read, files), *sources],
            tags=tags,
            platforms=[one for text in platforms for one in text.split(",")],
            client=client,
            on_event=shown,
            on_report=shown.on_report,
            **options,
        )
    if options["dry_run"]:
        click.echo(image.content)
    elif metadata_file is not None:
        atomic_write.write_whole(metadata_file, marshal_indent(image.metadata).encode())


@imagetools.command()
@click.argument("name")
@click.option(
    "--format", "template", metavar="TEMPLATE", help="Go template, for example {{json .Image}}."
)
@click.option("--raw", is_flag=True, help="Print the manifest as the registry has it.")
@with_registry_options
def inspect(
    *,
    name: str,
    template: str | None,
    raw: bool,
    registry_tls: tuple[str, ...],
    plain_http: tuple[str, ...],
    builder: str | None,
) -> None:
    """Show an image in a registry.

    A template has .Name, .Manifest, .Image, .Provenance and .SBOM, the last three by platform if
    there are several.

    \b
    Examples:
      llb imagetools inspect alpine --format '{{json (index .Image "linux/arm64")}}'
      llb imagetools inspect alpine --raw | sha256sum
    """  # noqa: D301 - click wants the control character
    if template and raw:
        raise click.UsageError("--format and --raw exclude each other")
    with (
        open_registries(registry_tls, plain_http, builder) as client,
        tools.inspect(name, client=client) as image,
    ):
        if raw:
            click.echo(image.content, nl=False)
        else:
            click.echo(image.format(template) if template else image.text(), nl=False)


def _read(path: Path) -> str:
    """Read a source from a file. Raises InputError."""
    try:
        return path.read_text()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {path}: it is not UTF-8") from error
