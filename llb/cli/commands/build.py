"""``llb build``: build a script, a definition or a Dockerfile on any BuildKit."""

from __future__ import annotations

import sys
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, fields, frozen

import llb.client
from llb._lazy import lazy_imports
from llb.atomic_write import write_whole
from llb.cli import definition_source
from llb.cli.build_options import with_build_options
from llb.cli.build_script import BuildScript, LoadedDefinition
from llb.cli.call_request import call
from llb.cli.connection_options import NAMES as CONNECTION
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.export_options import to_exports
from llb.cli.frontend_options import (
    CONTEXT,
    DOCKERFILE,
    FrontendOptions,
    FrontendRequest,
    to_request,
)
from llb.cli.otel import export_spans
from llb.cli.standard_streams import STANDARD_STREAM
from llb.cli.trace_file import trace_to
from llb.client.entitlements import to_entitlement
from llb.errors import InputError, InvalidValueError
from llb.ops.metadata import OpMetadata
from llb.sources.base_images import resolve_all

with lazy_imports(__name__):
    import tempfile  # 5 ms

    from llb.cli import cache_metrics  # 5 ms
    from llb.client import caches  # 4 ms
    from llb.client.base_images import pending_state  # 2 ms
    from llb.client.progress import display  # 10 ms
    from llb.client.registry_auth import auth_tls  # 3 ms
    from llb.client.session import (
        local_inputs,  # 6 ms
        policy,  # 18 ms
        secrets,  # 4 ms
        ssh_agent_spec,  # 2 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import TypeAlias

    from llb.client import Client, Export, SolveResult
    from llb.client.options import BuildOptions
    from llb.client.progress.display import Display
    from llb.client.progress.events import Event

    Change: TypeAlias = Callable[[FrontendRequest, Client], FrontendRequest]
    from llb.definition.definition import Definition
    from llb.gateway import Gateway, Request, Result
    from llb.sources.base_images import BaseImage

    _Request: TypeAlias = "FrontendRequest | _DefinitionRequest | _ScriptRequest"

_NONE = "none"
_MACHINE_READABLE = (_NONE, "rawjson")


@click.command()
@click.argument("source", metavar="[FILE.py | FILE.pb | - | DIRECTORY]", default=".")
@with_build_options
@with_connection_options
def build(**options: Any) -> None:
    """Build a Dockerfile, a Python file or a definition.

    A .py file whose first lines name a frontend, as in "# syntax=myorg/pyfrontend", is a build
    file. It is built like a Dockerfile, with the working directory as its context.

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


def start(arguments: dict[str, Any], change: Change | None = None) -> None:
    """Build with the options of a command line.

    ``change`` may replace the request to the frontend.
    """
    connection = Connection(**{name: arguments.pop(name) for name in CONNECTION})
    frontend = FrontendOptions(**{f.name: arguments.pop(f.name) for f in fields(FrontendOptions)})
    options = _Options(**arguments)
    with ExitStack() as stack:
        if frontend.dockerfile == STANDARD_STREAM:
            if options.source == STANDARD_STREAM:
                raise click.UsageError(
                    "standard input cannot be both the build context and the Dockerfile"
                )
            piped = stack.enter_context(_piped_dockerfile())
            frontend = evolve(frontend, dockerfile=piped)
        elif frontend.dockerfile is None and definition_source.names_frontend(options.source):
            frontend = evolve(frontend, dockerfile=options.source)
            options = evolve(options, source=".")
        _build(options, frontend, connection, change)


@frozen
class _Options:
    """The options of the build itself as click parses them."""

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
    def progress_kind(self) -> str:
        """The kind of the progress display."""
        return _NONE if self.quiet else self.progress


@frozen
class _DefinitionRequest:
    """A definition to solve, with the local directories and layouts that it names."""

    definition: Definition
    image_config: bytes | None
    local_dirs: dict[str, str]
    layouts: dict[str, str]


@frozen
class _ScriptRequest:
    """A running script whose definition needs base images."""

    script: BuildScript
    images: tuple[BaseImage, ...]
    no_cache: bool
    local_dirs: dict[str, str]
    layouts: dict[str, str]

    def function(self, options: BuildOptions) -> Callable[[Request, Gateway], Result]:
        """Build the function that resolves the images and solves the definition."""

        def function(request: Request, gateway: Gateway) -> Result:
            resolved = resolve_all(self.images, pending_state.GatewayImages(gateway))
            self.script.answer(resolved[image] for image in self.images)
            loaded = self.script.result()
            definition = _ignore_cache(loaded.definition) if self.no_cache else loaded.definition
            local_inputs.check_locals(definition, options.get("local_dirs", {}))
            local_inputs.check_layouts(definition, options.get("oci_layouts", {}))
            encoded = pending_state.Encoded(definition, loaded.image_config)
            return pending_state.solve_encoded(request, gateway, encoded)

        return function


def _build(
    options: _Options, frontend: FrontendOptions, connection: Connection, change: Change | None
) -> None:

    try:
        exports = to_exports(
            options.outputs, options.tags, options.annotations, push=options.push, load=options.load
        )
        build_options = _build_options(options)
        progress = display.display(options.progress_kind)
    except InvalidValueError as error:
        raise _usage_error(error) from error
    build_options["exports"] = exports
    with ExitStack() as stack:
        request = _make_request(options, frontend, exports, stack)
        stack.enter_context(export_spans())
        on_report = stack.enter_context(trace_to(options.trace, progress.on_report))
        build_options["on_event"], build_options["on_report"] = progress, on_report
        if options.cache_metrics is not None:
            build_options["on_event"] = _count_cache_hits(options.cache_metrics, progress, stack)
        client = stack.enter_context(connection.open(frontend.platform_names))
        request = _apply_change(request, change, client)
        build_options["local_dirs"] = {**request.local_dirs, **options.locals_}
        build_options["oci_layouts"] = {**request.layouts, **options.layouts}
        if isinstance(request, FrontendRequest):
            build_options["uploads"] = request.uploads
        if options.ref_file is not None:
            stack.callback(write_whole, options.ref_file, build_options["ref"].encode())
        if isinstance(request, FrontendRequest) and frontend.request is not None:
            call(client, frontend, request, progress, build_options)
            return
        result = _solve(client, request, progress, build_options)
    if options.metadata_file is not None:
        write_whole(options.metadata_file, f"{result.to_json()}\n".encode())
    if options.iidfile is not None:
        write_whole(options.iidfile, (result.digest or "").encode())
    if options.quiet and result.digest is not None:
        click.echo(result.digest)
    elif options.progress_kind not in _MACHINE_READABLE:
        _print_result(exports, result.digest)


def _count_cache_hits(
    destination: str, progress: Display, stack: ExitStack
) -> Callable[[Event], None]:
    """Wrap the display in a listener that counts cache hits; write them when the stack closes."""
    metrics = cache_metrics.CacheMetrics()
    stack.callback(metrics.write, destination)

    def listen(event: Event) -> None:
        metrics.add(event)
        progress(event)

    return listen


@contextmanager
def _piped_dockerfile() -> Iterator[str]:
    """Yield the path of a Dockerfile read from standard input, alone in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="llb-") as folder:
        file = Path(folder) / "Dockerfile"
        file.write_bytes(sys.stdin.buffer.read())
        yield str(file)


def _build_options(flags: _Options) -> BuildOptions:
    """Convert the flags to the options common to all builds.

    Raises InvalidValueError and InputError.
    """
    options: BuildOptions = {
        "secrets": dict(map(secrets.parse_secret, flags.secrets)),
        "ssh": [ssh_agent_spec.parse_agent(agent) for agent in flags.ssh],
        "registry_auth_tls": [auth_tls.parse_auth_tls(tls) for tls in flags.registry_auth_tls],
        "cache_from": [
            caches.check_source(caches.parse_cache(cache)) for cache in flags.cache_from
        ],
        "cache_to": [caches.check_target(caches.parse_cache(cache)) for cache in flags.cache_to],
        "allow": [to_entitlement(name) for name in flags.allow],
        "proxy_network": flags.proxy_network,
        "ref": uuid.uuid4().hex,
    }
    if flags.source_policy_file is not None:
        options["source_policy"] = policy.read_policy(flags.source_policy_file)
    return options


def _usage_error(error: InvalidValueError) -> click.UsageError:
    """Turn an invalid option value into a usage error."""
    return click.UsageError(error.message + (f"\nhint: {error.hint}" if error.hint else ""))


def _make_request(
    options: _Options, frontend: FrontendOptions, exports: list[Export], stack: ExitStack
) -> _Request:
    names_frontend = frontend.frontend is not None or frontend.dockerfile is not None
    is_directory = options.source != STANDARD_STREAM and Path(options.source).is_dir()
    if not names_frontend and not is_directory:
        return _definition_request(options, frontend, exports, stack)
    is_piped = options.source == STANDARD_STREAM
    if not is_piped and (frontend.frontend in (None, DOCKERFILE) or frontend.dockerfile):
        _check_files(options, frontend)
    try:
        return to_request(frontend, options.source, no_cache=options.no_cache)
    except InvalidValueError as error:
        raise _usage_error(error) from error


def _apply_change(request: _Request, change: Change | None, client: Client) -> _Request:
    if change is None:
        return request
    if not isinstance(request, FrontendRequest):
        raise click.UsageError("a frontend cannot build a definition: expected a directory")
    return change(request, client)


def _definition_request(
    options: _Options, frontend: FrontendOptions, exports: list[Export], stack: ExitStack
) -> _DefinitionRequest | _ScriptRequest:
    for flag in frontend.set_flags():
        raise click.UsageError(f"{flag} is for Dockerfiles and frontends, not for {options.source}")
    path = Path(options.source)
    if not definition_source.is_script(path):
        return _to_request(definition_source.load(options.source, _import_client), options)
    with_config = any(export.takes_image_config for export in exports)
    script = stack.enter_context(BuildScript(path, with_config=with_config, resolves=True))
    _import_client()
    requests = script.requests()
    if not requests.images:
        return _to_request(script.result(), options)
    local = _default_context(requests.locals)
    return _ScriptRequest(script, requests.images, options.no_cache, local, {})


def _to_request(loaded: LoadedDefinition, options: _Options) -> _DefinitionRequest:
    definition = _ignore_cache(loaded.definition) if options.no_cache else loaded.definition
    local = _default_context(local_inputs.local_names(definition))
    return _DefinitionRequest(definition, loaded.image_config, local, {})


def _default_context(names: Collection[str]) -> dict[str, str]:
    """Use the working directory as the build context, if the build reads one."""
    return {CONTEXT: "."} if CONTEXT in names else {}


def _import_client() -> None:
    """Import the client in 50 ms, which is less than a script takes to run."""
    _ = llb.client.Client


def _ignore_cache(definition: Definition) -> Definition:
    """Mark every step of a definition to ignore the cache."""
    existing = definition.metadata
    metadata = {
        vertex.digest: evolve(existing.get(vertex.digest, OpMetadata()), ignore_cache=True)
        for vertex in definition.vertices()
    }
    return evolve(definition, metadata=metadata)


def _check_files(options: _Options, frontend: FrontendOptions) -> None:
    file = Path(frontend.dockerfile or Path(options.source) / "Dockerfile")
    if not Path(options.source).is_dir():
        raise InputError(f"build context: no such directory: {options.source}")
    if not file.is_file() and "dockerfile" not in options.locals_:
        raise InputError(f"no such Dockerfile: {file}", hint="name it with -f FILE")


def _solve(
    client: Client,
    request: _Request,
    progress: Display,
    options: BuildOptions,
) -> SolveResult:
    with progress:
        if isinstance(request, FrontendRequest):
            name, attrs = request.frontend, request.attrs
            if request.function is not None:
                return client.build(request.function, frontend_attrs=attrs, **options)
            return client.solve(
                frontend=name, frontend_attrs=attrs, frontend_inputs=request.inputs, **options
            )
        if isinstance(request, _ScriptRequest):
            return client.build(request.function(options), **options)
        return client.solve(request.definition, image_config=request.image_config, **options)


def _print_result(exports: list[Export], digest: str | None) -> None:
    for export in exports:
        if export.destination not in (None, STANDARD_STREAM):
            click.echo(f"{export.type} written to {export.destination}", err=True)
        elif export.is_loaded:
            click.echo("image loaded into docker", err=True)
    if digest is not None:
        click.echo(f"image digest {digest}", err=True)
