"""``llb build``: build a script, a definition or a Dockerfile on any BuildKit."""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, fields, frozen

import llb.client
from llb._lazy import lazy_imports
from llb.cli import build_files, definition_source, export_options
from llb.cli.build_options import join_resources, with_build_options
from llb.cli.build_script import BuildScript
from llb.cli.call_request import call
from llb.cli.connection_options import NAMES as CONNECTION
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.frontend_options import FrontendOptions, to_request
from llb.cli.results import metadata_file, report
from llb.cli.sections import Command
from llb.cli.standard_streams import STANDARD_STREAM
from llb.cli.telemetry.otel import export_spans
from llb.cli.telemetry.trace_file import trace_to
from llb.client.entitlements import to_entitlement
from llb.client.image_build.contexts import CONTEXT, is_url
from llb.client.image_build.request import FrontendRequest, allowed
from llb.errors import InvalidValueError, LLBError
from llb.local_files import paths
from llb.local_files.atomic_write import write_whole
from llb.local_files.writable import check_file
from llb.ops.metadata import OpMetadata
from llb.sources.base_images import resolve_all

with lazy_imports(__name__):
    from llb.bake.building import policies  # 5 ms
    from llb.cli.telemetry import cache_metrics  # 5 ms
    from llb.client import caches  # 0.0 ms
    from llb.client.base_images import pending_state  # 0.0 ms
    from llb.client.progress import display  # 5 ms
    from llb.client.registry_auth import auth_tls  # 2 ms
    from llb.client.session import (
        local_inputs,  # 0.6 ms
        policy,  # 2 ms
        secrets,  # 1 ms
        ssh_agent_spec,  # 0.9 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import BinaryIO, TypeAlias

    from llb.cli.build_files import Selected
    from llb.cli.build_script import LoadedDefinition
    from llb.client import Client, Export, SolveResult
    from llb.client.options import BuildOptions
    from llb.client.progress.display import Display
    from llb.client.progress.events import Event

    Change: TypeAlias = Callable[[FrontendRequest, Client], FrontendRequest]
    from llb.definition.definition import Definition
    from llb.gateway import Gateway, Request, Result
    from llb.sources.base_images import BaseImage

    _Request: TypeAlias = "FrontendRequest | _DefinitionRequest | _ScriptRequest"

_RULES = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
_NONE, _QUIET = "none", "quiet"
_BUILD_FILE_HINT = (
    "a build file takes it: replace llb.main(state) by a function that returns the state, and mark "
    "it with @target from llb.buildfile"
)
_NOTHING_KEPT = (
    "warning: no output: the result stays in the build cache\n"
    "hint: -o DIR writes its files, -t NAME --load loads an image into Docker, and -t NAME --push "
    "pushes it"
)
_MACHINE_READABLE = (_NONE, "rawjson")


@click.command(cls=Command)
@click.argument(
    "source", metavar="[FILE.py | FILE.pb | - | DIRECTORY | URL]", default=".", type=click.Path()
)
@with_build_options
@with_connection_options
def build(**options: Any) -> None:
    """Build a Dockerfile, a Python file or a definition.

    \b
    DIRECTORY, URL, or - for an archive:
      Build its Dockerfile, or the file that -f names. The default is the working directory.
    FILE.py with @target functions, a build file:
      Build it like a Dockerfile, with the working directory as its context. It runs in this
      process and can do what you can do, unless its first line names a frontend, as in
      "# syntax=myorg/pyfrontend".
    FILE.py that ends with llb.main(state), a script:
      Run it, and build the state.
    FILE.pb, or - for standard input:
      Build a definition: what a script prints when Python runs it.

    \b
    Examples:
      llb build . -t example --load
      llb build . -t registry.example/app --push
      llb build . -f ci/Dockerfile -o type=oci,dest=image.tar
      llb build build.py --target app --build-arg version=2.0 -o out
      llb build https://github.com/me/app.git#main -t example --load
      echo 'FROM busybox' | llb build . -f - -o out
      tar c . | llb build - -t example --load
      python build.py | llb build - --local context=. -o out
    """  # noqa: D301 - click wants the control character
    start(options)


def start(arguments: dict[str, Any], change: Change | None = None) -> None:
    """Build with the options of a command line.

    ``change`` may replace the request to the frontend.
    """
    connection = Connection(**{name: arguments.pop(name) for name in CONNECTION})
    arguments["resources"] = join_resources(arguments)
    arguments["dockerfile"] = arguments["dockerfile"] or None
    frontend = FrontendOptions(**{f.name: arguments.pop(f.name) for f in fields(FrontendOptions)})
    options = _Options(**arguments)
    if options.no_cache and frontend.no_cache_stages:
        raise click.UsageError("--no-cache and --no-cache-filter cannot be combined")
    if frontend.dockerfile == options.source == STANDARD_STREAM:
        raise click.UsageError("standard input cannot be both the build context and the Dockerfile")
    selected = build_files.select(options.source, frontend)
    if change is not None:
        selected = evolve(selected, function=None)
    options = evolve(options, source=selected.source)
    try:
        _build(options, selected, connection, change)
    except LLBError as error:
        selected.explain(error)
        raise


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
    policies: tuple[str, ...]
    source_policy_file: Path | None
    proxy_network: bool
    no_cache: bool
    progress: str
    quiet: bool
    trace: Path | None
    cache_metrics: str | None

    @property
    def is_kept(self) -> bool:
        """Whether the result is asked for: a tag alone leaves it to the daemon."""
        return bool(self.outputs or self.push or self.load or self.cache_to)

    @property
    def is_quiet(self) -> bool:
        """Whether only the id of the image is printed."""
        return self.quiet or self.progress == _QUIET

    @property
    def progress_kind(self) -> str:
        """The kind of the progress display."""
        return _NONE if self.is_quiet else self.progress


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
    options: _Options, selected: Selected, connection: Connection, change: Change | None
) -> None:
    frontend = selected.frontend
    try:
        exports = export_options.to_exports(
            options.outputs, options.tags, options.annotations, push=options.push, load=options.load
        )
        build_options = _build_options(options, frontend)
        progress = display.display(options.progress_kind)
    except InvalidValueError as error:
        raise _usage_error(error) from error
    build_options["exports"] = exports
    for file in (options.metadata_file, options.iidfile, options.ref_file):
        if file is not None:
            check_file(file)
    if options.iidfile is not None:
        report.prepare_iidfile(options.iidfile, exports)
    with ExitStack() as stack:
        request = _make_request(options, selected, exports, stack)
        stack.enter_context(export_spans())
        on_report = stack.enter_context(trace_to(options.trace, progress.on_report))
        warnings = metadata_file.Warnings()
        build_options["on_event"] = progress
        build_options["on_report"] = warnings.listen(on_report)
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
            call(client, frontend, request, progress, build_options, options.metadata_file)
        build_options["exports"] = exports = _with_default(exports, request, client)
        result = _solve(client, request, progress, build_options)
        is_kept = options.is_kept or bool(exports and client._control.is_docker)
        is_podman = client.address.startswith("podman-container://")
        if options.metadata_file is not None:
            metadata = _metadata(client, request, result) | warnings.entries
            metadata_file.write_metadata(options.metadata_file, metadata)
    _report(options, exports, result, "podman" if is_podman else "docker", is_kept=is_kept)


def _with_default(exports: list[Export], request: _Request, client: Client) -> list[Export]:
    """Load the image of a build without an output, if that is the default of its daemon."""
    if exports or not isinstance(request, FrontendRequest):
        return exports
    return [llb.client.docker()] if export_options.loads_by_default(client) else []


def _metadata(client: Client, request: _Request, result: SolveResult) -> dict[str, object]:
    if isinstance(request, FrontendRequest):
        return metadata_file.build_metadata(client, result)
    return result.metadata


def _report(
    options: _Options, exports: list[Export], result: SolveResult, program: str, *, is_kept: bool
) -> None:
    """Write the file with the id, and print where the result is; ``program`` has loaded images."""
    image_id = report.image_id(result)
    if options.iidfile is not None:
        write_whole(options.iidfile, (image_id or "").encode())
    if options.is_quiet and image_id is not None:
        click.echo(image_id)
    elif options.progress_kind not in _MACHINE_READABLE:
        report.print_result(exports, result.digest, program)
        if not is_kept:
            click.echo(_NOTHING_KEPT, err=True)


def _count_cache_hits(
    destination: str, progress: Display, stack: ExitStack
) -> Callable[[Event], None]:
    """Wrap the display in a listener that counts cache hits; write them when the stack closes."""
    if destination not in cache_metrics.STREAMS:
        check_file(destination)
    metrics = cache_metrics.CacheMetrics()
    stack.callback(metrics.write, destination)

    def listen(event: Event) -> None:
        metrics.add(event)
        progress(event)

    return listen


def _build_options(flags: _Options, frontend: FrontendOptions) -> BuildOptions:
    """Convert the flags to the options common to all builds.

    Raises InvalidValueError and InputError.
    """
    options: BuildOptions = {
        "secrets": dict(map(secrets.parse_secret, flags.secrets)),
        "ssh": [ssh_agent_spec.parse_agent(agent) for agent in flags.ssh],
        "registry_auth_tls": [auth_tls.parse_auth_tls(tls) for tls in flags.registry_auth_tls],
        "cache_from": [
            caches.check_source(cache)
            for text in flags.cache_from
            for cache in caches.parse_caches(text)
        ],
        "cache_to": caches.with_inline(
            (
                caches.check_target(cache)
                for text in flags.cache_to
                for cache in caches.parse_caches(text)
            ),
            frontend.build_args,
        ),
        "allow": allowed(map(to_entitlement, flags.allow), frontend.network),
        "proxy_network": flags.proxy_network,
        "ref": uuid.uuid4().hex,
    }
    rules = flags.source_policy_file or os.environ.get(_RULES)
    if rules:
        options["source_policy"] = policy.read_policy(Path(rules))
    return options


def _usage_error(error: InvalidValueError) -> click.UsageError:
    """Turn an invalid option value into a usage error."""
    return click.UsageError(error.message + (f"\nhint: {error.command_hint}" if error.hint else ""))


def _make_request(
    options: _Options, selected: Selected, exports: list[Export], stack: ExitStack
) -> _Request:
    source, frontend = options.source, selected.frontend
    names_frontend = frontend.frontend is not None or frontend.dockerfile is not None
    if source == STANDARD_STREAM and names_frontend:
        return _frontend_request(options, selected, sys.stdin.buffer)
    data = definition_source.read_pipe(source, _import_client)
    if data is not None:
        if names_frontend or definition_source.is_build_context(data):
            return _frontend_request(options, selected, data)
        _check_flags(options, frontend)
        return _to_request(definition_source.from_pipe(data, source), options)
    if names_frontend or paths.is_dir(source) or is_url(source):
        return _frontend_request(options, selected, source)
    _check_flags(options, frontend)
    if definition_source.is_script(Path(source)):
        return _script_request(options, exports, stack)
    return _to_request(definition_source.load(source, _import_client), options)


def _frontend_request(
    options: _Options, selected: Selected, context: str | bytes | BinaryIO
) -> FrontendRequest:
    try:
        request = to_request(
            selected.frontend, context, no_cache=options.no_cache, local_dirs=options.locals_
        )
        has_policies = not any(map(policies.is_disabled, options.policies))
    except InvalidValueError as error:
        raise _usage_error(error) from error
    if has_policies:
        policies.refuse(request.policy_file)
    return evolve(request, function=selected.function)


def _apply_change(request: _Request, change: Change | None, client: Client) -> _Request:
    if change is None:
        return request
    if not isinstance(request, FrontendRequest):
        raise click.UsageError("a frontend cannot build a definition: expected a directory")
    return change(request, client)


def _check_flags(options: _Options, frontend: FrontendOptions) -> None:
    """Raise UsageError for a flag that definitions do not take."""
    for flag in frontend.set_flags():
        is_script = options.source.endswith(definition_source.PYTHON)
        hint = f"\nhint: {_BUILD_FILE_HINT}" if is_script else ""
        raise click.UsageError(
            f"{flag} is for Dockerfiles and build files, not for "
            f"{'the script ' if is_script else ''}{options.source}{hint}"
        )


def _script_request(
    options: _Options, exports: list[Export], stack: ExitStack
) -> _DefinitionRequest | _ScriptRequest:
    """Run a script until it ends or waits for base images."""
    with_config = any(export.takes_image_config for export in exports)
    path = Path(options.source)
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
                return client.build(
                    request.function,
                    frontend_attrs=attrs,
                    frontend_inputs=request.inputs,
                    **options,
                )
            return client.solve(
                frontend=name, frontend_attrs=attrs, frontend_inputs=request.inputs, **options
            )
        if isinstance(request, _ScriptRequest):
            return client.build(request.function(options), **options)
        return client.solve(request.definition, image_config=request.image_config, **options)
