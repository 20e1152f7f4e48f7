"""``llb build``: a build script, a definition, or a Dockerfile, on any BuildKit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import frozen

from llb.cli import script
from llb.cli.files import write_text
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from llb.client import Export
    from llb.definition import Definition

_DOCKERFILE = "dockerfile.v0"
_CONTEXT = "context"


def _pairs(
    context: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,
    values: tuple[str, ...],
) -> dict[str, str]:
    """Return repeated KEY=VALUE options as a mapping."""
    pairs = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is no {parameter.metavar}")
        pairs[key] = rest
    return pairs


@click.command()
@click.argument("source", metavar="[FILE.py | FILE.pb | - | DIRECTORY]", default=".")
@click.option("-f", "--file", "dockerfile", metavar="FILE", help="The Dockerfile to build.")
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="OUTPUT", help="DIR, -, or type=…,dest=…."
)
@click.option(
    "--local", "locals_", multiple=True, metavar="NAME=DIR", callback=_pairs, help="A directory."
)
@click.option(
    "--opt", multiple=True, metavar="KEY=VALUE", callback=_pairs, help="A frontend's option."
)
@click.option(
    "--frontend", metavar="NAME", help="dockerfile.v0, or gateway.v0 with --opt source=…."
)
@click.option(
    "--build-arg",
    "build_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="A build argument of a Dockerfile.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="SECRET",
    help="id=ID, from src=FILE or env=NAME; without either the variable or the file ID.",
)
@click.option(
    "--ssh", multiple=True, metavar="AGENT", help="default, ID=SOCKET or ID=KEY: an ssh agent."
)
@click.option("--target", metavar="STAGE", help="The stage of a Dockerfile to build.")
@click.option("--platform", metavar="OS/ARCH", help="The platform to build for.")
@click.option("--no-cache", is_flag=True, help="Run every step of a Dockerfile anew.")
@click.option("--progress", default="auto", metavar="KIND", help="auto, plain, tty or quiet.")
@click.option(
    "--metadata-file", type=click.Path(dir_okay=False, path_type=Path), help="JSON of the result."
)
@click.option("--addr", metavar="ADDRESS", help="The BuildKit: unix://PATH or tcp://HOST:PORT.")
def build(**options: object) -> None:
    """Build a Python script, a definition, or the Dockerfile of a directory.

    \b
    Examples:
      llb build examples/01_hello.py -o out
      llb build . -f Dockerfile -o type=oci,dest=image.tar
      python build.py | llb build - --local context=.
    """  # noqa: D301 - click wants the control character
    # grpc costs 100 ms to import, which `llb --help` should not wait for.
    from llb.client import Client, parse_export  # noqa: PLC0415
    from llb.client.agents import parse_agent  # noqa: PLC0415
    from llb.client.progress import display  # noqa: PLC0415
    from llb.client.secrets import parse_secret  # noqa: PLC0415

    given = _Options(**options)  # type: ignore[arg-type]
    try:
        exports = [parse_export(output) for output in given.outputs]
        secrets = dict(map(parse_secret, given.secrets))
        agents = [parse_agent(agent) for agent in given.ssh]
        shown = display(given.progress)
    except InvalidValueError as error:
        raise _usage_error(error) from error
    _check_terminal(exports)
    request = _dockerfile(given) if given.is_dockerfile else _definition(given)
    with Client(given.addr) as client, shown:
        result = client.solve(
            request.definition,
            frontend=request.frontend,
            frontend_attrs=request.attrs,
            local=request.local,
            exports=exports,
            secrets=secrets,
            ssh=agents,
            image_config=request.image_config,
            on_event=shown,
        )
    if given.metadata_file is not None:
        write_text(given.metadata_file, result.to_json() + "\n")
    _report(exports, result.digest)


@frozen
class _Options:
    """The options as click gives them."""

    source: str
    dockerfile: str | None
    outputs: tuple[str, ...]
    locals_: dict[str, str]
    opt: dict[str, str]
    frontend: str | None
    build_args: dict[str, str]
    secrets: tuple[str, ...]
    ssh: tuple[str, ...]
    target: str | None
    platform: str | None
    no_cache: bool
    progress: str
    metadata_file: Path | None
    addr: str | None

    @property
    def is_dockerfile(self) -> bool:
        """Whether a frontend reads a directory, rather than a definition being sent."""
        if self.frontend is not None or self.dockerfile is not None:
            return True
        return self.source != script.STANDARD_INPUT and Path(self.source).is_dir()


@frozen
class _Request:
    """What is sent to the daemon."""

    local: dict[str, str]
    definition: Definition | None = None
    image_config: bytes | None = None
    frontend: str | None = None
    attrs: dict[str, str] | None = None


def _usage_error(error: InvalidValueError) -> click.UsageError:
    """Return the error of an option's value as one of the command line."""
    return click.UsageError(error.message + (f"\nhint: {error.hint}" if error.hint else ""))


def _check_terminal(exports: list[Export]) -> None:
    """Raise UsageError where an archive would be printed on a terminal."""
    if sys.stdout.isatty() and any(export.destination == "-" for export in exports):
        raise click.UsageError("an archive is not printed on a terminal; name a file with dest=")


def _definition(given: _Options) -> _Request:
    for option, value in (
        ("--target", given.target),
        ("--build-arg", given.build_args),
        ("--no-cache", given.no_cache),
        ("--opt", given.opt),
        ("--platform", given.platform),
    ):
        if value:
            raise click.UsageError(
                f"{option} is for Dockerfiles and frontends, not for {given.source}"
            )
    loaded = script.load(given.source)
    # grpc is loaded by now.
    from llb.client.client import local_names  # noqa: PLC0415

    local = dict(given.locals_)
    if _CONTEXT in local_names(loaded.definition):
        local.setdefault(_CONTEXT, ".")
    return _Request(local, loaded.definition, loaded.image_config)


def _dockerfile(given: _Options) -> _Request:
    file = Path(given.dockerfile) if given.dockerfile else Path(given.source) / "Dockerfile"
    attrs = {**given.opt, **{f"build-arg:{key}": value for key, value in given.build_args.items()}}
    if given.target:
        attrs["target"] = given.target
    if given.platform:
        attrs["platform"] = given.platform
    if given.no_cache:
        attrs["no-cache"] = ""
    local = {_CONTEXT: given.source, "dockerfile": str(file.parent)}
    if given.frontend in (None, _DOCKERFILE) or given.dockerfile:
        if not Path(given.source).is_dir():
            raise InputError(f"there is no directory {given.source} to build from")
        if not file.is_file() and "dockerfile" not in given.locals_:
            raise InputError(f"there is no Dockerfile at {file}", hint="name it with -f FILE")
    attrs.setdefault("filename", file.name)
    local.update(given.locals_)
    return _Request(local, frontend=given.frontend or _DOCKERFILE, attrs=attrs)


def _report(exports: list[Export], digest: str | None) -> None:
    for export in exports:
        if export.destination not in (None, "-"):
            click.echo(f"{export.type} written to {export.destination}", err=True)
    if digest is not None:
        click.echo(f"image digest {digest}", err=True)
