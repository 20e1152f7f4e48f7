"""``llb build``: a build script, a definition, or a Dockerfile, on any BuildKit."""

from __future__ import annotations

import sys
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, fields, frozen

from llb.atomic_write import write_whole
from llb.cli import definition_source
from llb.cli.build_options import building
from llb.cli.call_request import call
from llb.cli.connection_options import NAMES as CONNECTION
from llb.cli.connection_options import Connection, connecting
from llb.cli.export_options import STANDARD_OUTPUT, to_exports
from llb.cli.frontend_options import (
    CONTEXT,
    DOCKERFILE,
    FrontendOptions,
    FrontendRequest,
    to_request,
)
from llb.cli.otel import exported
from llb.cli.trace_file import traced
from llb.errors import InputError, InvalidValueError
from llb.ops.metadata import OpMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from llb.client import Client, Export, SolveResult
    from llb.client.options import BuildOptions
    from llb.client.progress.display import Display
    from llb.client.progress.events import Event

    Change: TypeAlias = Callable[[FrontendRequest, Client], FrontendRequest]
    from llb.definition.definition import Definition

_NONE = "none"
_FOR_PROGRAMS = (_NONE, "rawjson")


@click.command()
@click.argument("source", metavar="[FILE.py | FILE.pb | - | DIRECTORY]", default=".")
@building
@connecting
def build(**options: Any) -> None:
    """Build a Dockerfile, a Python file or a definition.

    A .py file whose first lines name a frontend, as in "# syntax=myorg/pyfrontend", is a build
    file: it is built as a Dockerfile is, with the working directory as its context.

    \b
    Examples:
      llb build examples/01_hello.py -o out
      llb build build.py --target app --build-arg version=2.0 -t example
      llb build . -f Dockerfile -o type=oci,dest=image.tar
      echo 'FROM busybox' | llb build . -f - -t example
      python build.py | llb build - --local context=.
      tar c . | llb build - -f Dockerfile
    """  # noqa: D301 - click wants the control character
    start(options)


def start(options: dict[str, Any], change: Change | None = None) -> None:
    """Build what the options of a command say.

    ``change`` is given what is asked of the frontend, and returns what is asked instead.
    """
    connection = Connection(**{name: options.pop(name) for name in CONNECTION})
    frontend = FrontendOptions(**{f.name: options.pop(f.name) for f in fields(FrontendOptions)})
    given = _Options(**options)
    with ExitStack() as stack:
        if frontend.dockerfile == definition_source.STANDARD_INPUT:
            if given.source == definition_source.STANDARD_INPUT:
                raise click.UsageError("standard input is either the context or the Dockerfile")
            piped = stack.enter_context(_piped_dockerfile())
            frontend = evolve(frontend, dockerfile=piped)
        elif frontend.dockerfile is None and definition_source.names_frontend(given.source):
            frontend, given = evolve(frontend, dockerfile=given.source), evolve(given, source=".")
        _build(given, frontend, connection, change)


@frozen
class _Options:
    """The options as click gives them."""

    source: str
    outputs: tuple[str, ...]
    tags: tuple[str, ...]
    push: bool
    load: bool
    annotations: tuple[str, ...]
    metadata_file: Path | None
    iidfile: Path | None
    ref_file: Path | None
    locals_: dict[str, str]
    layouts: dict[str, str]
    secrets: tuple[str, ...]
    ssh: tuple[str, ...]
    registry_auth_tls: tuple[str, ...]
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    allow: tuple[str, ...]
    source_policy_file: Path | None
    proxy_network: bool
    no_cache: bool
    progress: str
    quiet: bool
    trace: Path | None
    cache_metrics: str | None

    @property
    def shown(self) -> str:
        """The kind of the display."""
        return _NONE if self.quiet else self.progress


@frozen
class _DefinitionRequest:
    """A definition that is sent to the daemon, and what it speaks of on this machine."""

    definition: Definition
    image_config: bytes | None
    local_dirs: dict[str, str]
    layouts: dict[str, str]


def _build(
    given: _Options, frontend: FrontendOptions, connection: Connection, change: Change | None
) -> None:
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.progress.display import display  # noqa: PLC0415

    try:
        exports = to_exports(
            given.outputs, given.tags, given.annotations, push=given.push, load=given.load
        )
        build_options = _build_options(given)
        shown = display(given.shown)
    except InvalidValueError as error:
        raise _usage_error(error) from error
    request = _request(given, frontend)
    build_options["exports"] = exports
    with ExitStack() as stack:
        stack.enter_context(exported())
        on_report = stack.enter_context(traced(given.trace, shown.on_report))
        build_options["on_event"], build_options["on_report"] = shown, on_report
        if given.cache_metrics is not None:
            build_options["on_event"] = _counted(given.cache_metrics, shown, stack)
        client = stack.enter_context(connection.open(frontend.each_platform))
        request = _changed(request, change, client)
        build_options["local_dirs"] = {**request.local_dirs, **given.locals_}
        build_options["oci_layouts"] = {**request.layouts, **given.layouts}
        if isinstance(request, FrontendRequest):
            build_options["uploads"] = request.uploads
        if given.ref_file is not None:
            stack.callback(write_whole, given.ref_file, build_options["ref"].encode())
        if isinstance(request, FrontendRequest) and frontend.request is not None:
            call(client, frontend, request, shown, build_options)
            return
        result = _solve(client, request, shown, build_options)
    if given.metadata_file is not None:
        write_whole(given.metadata_file, f"{result.to_json()}\n".encode())
    if given.iidfile is not None:
        write_whole(given.iidfile, (result.digest or "").encode())
    if given.quiet and result.digest is not None:
        click.echo(result.digest)
    elif given.shown not in _FOR_PROGRAMS:
        _report(exports, result.digest)


def _counted(place: str, shown: Display, stack: ExitStack) -> Callable[[Event], None]:
    """Return a listener that counts steps for the end of the build, and has them shown."""
    from llb.cli.cache_metrics import CacheMetrics  # noqa: PLC0415 - few ask for it

    metrics = CacheMetrics()
    stack.callback(metrics.write, place)

    def listen(event: Event) -> None:
        metrics.add(event)
        shown(event)

    return listen


@contextmanager
def _piped_dockerfile() -> Iterator[str]:
    """Give a file with what comes on standard input, in a folder that it is alone in."""
    # It takes 3 ms to import.
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    with TemporaryDirectory(prefix="llb-") as folder:
        file = Path(folder) / "Dockerfile"
        file.write_bytes(sys.stdin.buffer.read())
        yield str(file)


def _build_options(given: _Options) -> BuildOptions:
    """Return the options of every build. Raises InvalidValueError and InputError."""
    from llb.client.caches import check_source, check_target, parse_cache  # noqa: PLC0415
    from llb.client.entitlements import to_entitlement  # noqa: PLC0415
    from llb.client.registry_auth.auth_tls import parse_auth_tls  # noqa: PLC0415
    from llb.client.session.secrets import parse_secret  # noqa: PLC0415
    from llb.client.session.ssh_agent_spec import parse_agent  # noqa: PLC0415 - loads the client

    options: BuildOptions = {
        "secrets": dict(map(parse_secret, given.secrets)),
        "ssh": [parse_agent(agent) for agent in given.ssh],
        "registry_auth_tls": [parse_auth_tls(each) for each in given.registry_auth_tls],
        "cache_from": [check_source(parse_cache(cache)) for cache in given.cache_from],
        "cache_to": [check_target(parse_cache(cache)) for cache in given.cache_to],
        "allow": [to_entitlement(each) for each in given.allow],
        "proxy_network": given.proxy_network,
        "ref": uuid.uuid4().hex,
    }
    if given.source_policy_file is not None:
        # protobuf's JSON takes 2 ms more.
        from llb.client.session.policy import read_policy  # noqa: PLC0415

        options["source_policy"] = read_policy(given.source_policy_file)
    return options


def _usage_error(error: InvalidValueError) -> click.UsageError:
    """Return the error of an option's value as one of the command line."""
    return click.UsageError(error.message + (f"\nhint: {error.hint}" if error.hint else ""))


def _request(given: _Options, frontend: FrontendOptions) -> FrontendRequest | _DefinitionRequest:
    names_frontend = frontend.frontend is not None or frontend.dockerfile is not None
    is_directory = given.source != definition_source.STANDARD_INPUT and Path(given.source).is_dir()
    if not names_frontend and not is_directory:
        return _definition(given, frontend)
    is_piped = given.source == definition_source.STANDARD_INPUT
    if not is_piped and (frontend.frontend in (None, DOCKERFILE) or frontend.dockerfile):
        _check_files(given, frontend)
    try:
        return to_request(frontend, given.source, no_cache=given.no_cache)
    except InvalidValueError as error:
        raise _usage_error(error) from error


def _changed(
    request: FrontendRequest | _DefinitionRequest, change: Change | None, client: Client
) -> FrontendRequest | _DefinitionRequest:
    if change is None:
        return request
    if not isinstance(request, FrontendRequest):
        raise click.UsageError("a frontend builds a directory, and no definition")
    return change(request, client)


def _definition(given: _Options, frontend: FrontendOptions) -> _DefinitionRequest:
    for option in frontend.given():
        raise click.UsageError(f"{option} is for Dockerfiles and frontends, not for {given.source}")
    loaded = definition_source.load(given.source, _import_client)
    from llb.client.session.local_inputs import local_names  # noqa: PLC0415 - the client is loaded by now

    definition = _run_anew(loaded.definition) if given.no_cache else loaded.definition
    local = {CONTEXT: "."} if CONTEXT in local_names(definition) else {}
    return _DefinitionRequest(definition, loaded.image_config, local, {})


def _import_client() -> None:
    """Import what a build needs, which takes 50 ms: less than a script takes to run."""
    import llb.client.client  # noqa: F401, PLC0415


def _run_anew(definition: Definition) -> Definition:
    """Return the definition whose steps take nothing from the cache."""
    known = definition.metadata
    metadata = {
        vertex.digest: evolve(known.get(vertex.digest, OpMetadata()), ignore_cache=True)
        for vertex in definition.vertices()
    }
    return evolve(definition, metadata=metadata)


def _check_files(given: _Options, frontend: FrontendOptions) -> None:
    file = Path(frontend.dockerfile or Path(given.source) / "Dockerfile")
    if not Path(given.source).is_dir():
        raise InputError(f"there is no directory {given.source} to build from")
    if not file.is_file() and "dockerfile" not in given.locals_:
        raise InputError(f"there is no Dockerfile at {file}", hint="name it with -f FILE")


def _solve(
    client: Client,
    request: FrontendRequest | _DefinitionRequest,
    shown: Display,
    options: BuildOptions,
) -> SolveResult:
    with shown:
        if isinstance(request, FrontendRequest):
            name, attrs = request.frontend, request.attrs
            if request.function is not None:
                return client.build(request.function, frontend_attrs=attrs, **options)
            return client.solve(
                frontend=name, frontend_attrs=attrs, frontend_inputs=request.inputs, **options
            )
        return client.solve(request.definition, image_config=request.image_config, **options)


def _report(exports: list[Export], digest: str | None) -> None:
    for export in exports:
        if export.destination not in (None, STANDARD_OUTPUT):
            click.echo(f"{export.type} written to {export.destination}", err=True)
        elif export.is_loaded:
            click.echo("image loaded into docker", err=True)
    if digest is not None:
        click.echo(f"image digest {digest}", err=True)
