"""``llb build``: a build script, a definition, or a Dockerfile, on any BuildKit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from llb.cli import script
from llb.cli.connecting import NAMES as CONNECTION
from llb.cli.connecting import Connection, connecting
from llb.cli.files import write_text
from llb.cli.outputs import STANDARD_OUTPUT, to_exports
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


def _arguments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Return build arguments; one without a value has that of the environment, if there is one."""
    given = [value for value in values if "=" in value or value in os.environ]
    full = tuple(each if "=" in each else f"{each}={os.environ[each]}" for each in given)
    return _pairs(context, parameter, full)


@click.command()
@click.argument("source", metavar="[FILE.py | FILE.pb | - | DIRECTORY]", default=".")
@click.option("-f", "--file", "dockerfile", metavar="FILE", help="The Dockerfile to build.")
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="OUTPUT", help="DIR, -, or type=…,dest=…."
)
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME", help="A name of the image.")
@click.option("--push", is_flag=True, help="Push the image to the registries of its names.")
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
    metavar="KEY[=VALUE]",
    callback=_arguments,
    help="A build argument of a Dockerfile; without a value that of the environment.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="A label of the image of a Dockerfile.",
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
@click.option(
    "--cache-from", multiple=True, metavar="CACHE", help="A reference, or type=…,key=value…."
)
@click.option(
    "--cache-to", multiple=True, metavar="CACHE", help="type=registry,ref=…,mode=max and others."
)
@click.option(
    "--allow", multiple=True, metavar="WHAT", help="network.host, security.insecure or device."
)
@click.option("--target", metavar="STAGE", help="The stage of a Dockerfile to build.")
@click.option("--platform", metavar="OS/ARCH", help="The platform to build for.")
@click.option("--no-cache", is_flag=True, help="Run every step of a Dockerfile anew.")
@click.option("--progress", default="auto", metavar="KIND", help="auto, plain, tty or quiet.")
@click.option(
    "--metadata-file", type=click.Path(dir_okay=False, path_type=Path), help="JSON of the result."
)
@click.option(
    "--iidfile", type=click.Path(dir_okay=False, path_type=Path), help="The digest of the image."
)
@connecting
def build(**options: Any) -> None:
    """Build a Python script, a definition, or the Dockerfile of a directory.

    \b
    Examples:
      llb build examples/01_hello.py -o out
      llb build . -f Dockerfile -o type=oci,dest=image.tar
      python build.py | llb build - --local context=.
    """  # noqa: D301 - click wants the control character
    # grpc costs 100 ms to import, which `llb --help` should not wait for.
    from llb.client.agents import parse_agent  # noqa: PLC0415
    from llb.client.caches import parse_cache  # noqa: PLC0415
    from llb.client.entitlements import to_entitlement  # noqa: PLC0415
    from llb.client.progress import display  # noqa: PLC0415
    from llb.client.secrets import parse_secret  # noqa: PLC0415

    connection = Connection(**{name: options.pop(name) for name in CONNECTION})
    given = _Options(**options)
    try:
        exports = to_exports(given.outputs, given.tags, push=given.push)
        secrets = dict(map(parse_secret, given.secrets))
        agents = [parse_agent(agent) for agent in given.ssh]
        imports = [parse_cache(cache) for cache in given.cache_from]
        caches = [parse_cache(cache) for cache in given.cache_to]
        allowed = [to_entitlement(each) for each in given.allow]
        shown = display(given.progress)
    except InvalidValueError as error:
        raise _usage_error(error) from error
    request = _dockerfile(given) if given.is_dockerfile else _definition(given)
    with connection.open() as client, shown:
        result = client.solve(
            request.definition,
            frontend=request.frontend,
            frontend_attrs=request.attrs,
            local=request.local,
            exports=exports,
            secrets=secrets,
            ssh=agents,
            cache_from=imports,
            cache_to=caches,
            allow=allowed,
            image_config=request.image_config,
            on_event=shown,
        )
    if given.metadata_file is not None:
        write_text(given.metadata_file, result.to_json() + "\n")
    if given.iidfile is not None:
        write_text(given.iidfile, result.digest or "")
    _report(exports, result.digest)


@frozen
class _Options:
    """The options as click gives them."""

    source: str
    dockerfile: str | None
    outputs: tuple[str, ...]
    tags: tuple[str, ...]
    push: bool
    locals_: dict[str, str]
    opt: dict[str, str]
    frontend: str | None
    build_args: dict[str, str]
    labels: dict[str, str]
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    allow: tuple[str, ...]
    secrets: tuple[str, ...]
    ssh: tuple[str, ...]
    target: str | None
    platform: str | None
    no_cache: bool
    progress: str
    metadata_file: Path | None
    iidfile: Path | None

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


def _definition(given: _Options) -> _Request:
    for option, value in (
        ("--target", given.target),
        ("--build-arg", given.build_args),
        ("--label", given.labels),
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
    attrs |= {f"label:{key}": value for key, value in given.labels.items()}
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
        if export.destination not in (None, STANDARD_OUTPUT):
            click.echo(f"{export.type} written to {export.destination}", err=True)
    if digest is not None:
        click.echo(f"image digest {digest}", err=True)
