"""Parse the build options that clients send to a Dockerfile frontend.

The names are those that BuildKit's own Dockerfile frontend reads (``frontend/dockerui``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

from llb import Platform, Reference
from llb.dockerfile.run_options import ProcessOptions, parse_process_options
from llb.dockerfile.sources.remote import parse_git_advice
from llb.errors import InvalidValueError, did_you_mean
from llb.frontend.dockerui.local_sources import DEFAULT_FILENAME
from llb.gocompat.csv import split_csv
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.buildkit_names import ResolveMode
    from llb.gateway import Request

_RESOLVE_MODES = ("default", "pull", "local")
_ATTESTATIONS = ("sbom", "provenance")
_SBOM_GENERATOR = "docker/buildkit-syft-scanner:stable-1"
_REMOVED = "support for {} was removed in BuildKit 0.11"

CacheImport = tuple[str, dict[str, str]]


@frozen
class Sbom:
    """An SBOM request: the scanner image, and its parameters."""

    generator: str
    parameters: tuple[tuple[str, str], ...] = ()


@frozen
class Options:
    """The options of a Dockerfile build.

    ``context`` is the URL of the build context in a repository or elsewhere, and empty for a
    local directory. ``dockerfile_name`` is the local directory of the Dockerfile, if the client
    requires one even for a remote context. ``contexts`` are the named contexts.
    ``no_cache`` is True, False, or the names of the stages that ignore the cache. ``platforms`` are
    the target platforms, empty for the daemon's own. ``is_index`` requests an index even for one
    platform. ``build_platforms`` are all platforms that the daemon supports, its own
    first. ``syntax`` is the value of ``BUILDKIT_SYNTAX``, and ``forwarded`` whether another
    frontend forwarded the build for its ``# syntax`` line. ``processes`` applies to every
    RUN. ``request_id`` is the name of a subrequest, sent instead of a build. ``git_advice``
    is whether git prints its advice.
    """

    filename: str
    context: str
    context_folder: str | None
    dockerfile_name: str | None
    contexts: Mapping[str, str]
    input_metadata: Mapping[str, str]
    sessions: Mapping[str, str]
    shared_keys: Mapping[str, str]
    target: str | None
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    no_cache: bool | frozenset[str]
    platforms: tuple[Platform, ...]
    is_index: bool
    build_platforms: tuple[Platform, ...]
    resolve_mode: ResolveMode
    cache_imports: tuple[CacheImport, ...]
    sbom: Sbom | None
    syntax: str | None
    forwarded: bool
    processes: ProcessOptions = field(default=ProcessOptions())
    request_id: str | None = None
    git_advice: bool = False

    @classmethod
    def from_request(cls, request: Request, filename: str = DEFAULT_FILENAME) -> Options:
        """Parse the options of a request; ``filename`` is the default name of the file.

        Raises InvalidValueError.
        """
        options = request.options
        _refuse_removed(options)
        build_args = request.prefixed("build-arg:")
        no_cache = options.get("no-cache")
        platforms = _platforms(options.get("platform", ""))
        return cls(
            filename=options.get("filename", filename),
            context=options.get(options.get("contextkey", "context"), ""),
            context_folder=options.get("contextsubdir"),
            dockerfile_name=options.get("dockerfilekey"),
            contexts=request.prefixed("context:"),
            input_metadata=request.prefixed("input-metadata:"),
            sessions=request.prefixed("local-sessionid:"),
            shared_keys=request.prefixed("sharedkey:localdir:"),
            target=options.get("target") or None,
            build_args=build_args,
            labels=request.prefixed("label:"),
            no_cache=_stages(no_cache) if no_cache else no_cache is not None,
            platforms=platforms,
            is_index=_is_index(options, platforms),
            build_platforms=request.platforms or (Platform.host(),),
            resolve_mode=_resolve_mode(options.get("image-resolve-mode") or "default"),
            cache_imports=_cache_imports(options),
            sbom=_sbom(options),
            syntax=build_args.get("BUILDKIT_SYNTAX"),
            forwarded="cmdline" in options,
            processes=parse_process_options(options),
            request_id=options.get("requestid"),
            git_advice=parse_git_advice(build_args),
        )

    @property
    def build_platform(self) -> Platform:
        """The daemon's own platform."""
        return self.build_platforms[0]


def _refuse_removed(options: Mapping[str, str]) -> None:
    if options.get("override-copy-image"):
        raise InvalidValueError(_REMOVED.format('"override-copy-image"'))
    if _switch(options.get("build-arg:BUILDKIT_DISABLE_FILEOP", "")):
        raise InvalidValueError(_REMOVED.format('"BUILDKIT_DISABLE_FILEOP" build-arg'))


def _switch(value: str) -> bool | None:
    try:
        return parse_switch(value)
    except ValueError:
        return None


def _stages(names: str) -> frozenset[str]:
    return frozenset(name.lower() for name in names.split(","))


def _platforms(value: str) -> tuple[Platform, ...]:
    if not value:
        return ()
    platforms = []
    for name in value.split(","):
        try:
            platforms.append(Platform.parse(name))
        except InvalidValueError as error:
            raise InvalidValueError(
                f"failed to parse target platform {name}: {error.message}", hint=error.hint
            ) from error
    return tuple(platforms)


def _is_index(options: Mapping[str, str], platforms: tuple[Platform, ...]) -> bool:
    value = options.get("build-arg:BUILDKIT_MULTI_PLATFORM") or options.get("multi-platform")
    if not value:
        return len(platforms) > 1
    is_requested = _switch(value)
    if is_requested is None:
        raise InvalidValueError(f"invalid boolean value for multi-platform: {value}")
    if not is_requested and len(platforms) > 1:
        raise InvalidValueError(
            "conflicting config: returning multiple target platforms is not allowed",
            hint="leave multi-platform=false out, or build for one platform",
        )
    return is_requested


def _resolve_mode(mode: str) -> ResolveMode:
    if mode not in _RESOLVE_MODES:
        raise InvalidValueError(
            f"invalid image-resolve-mode: {mode}", hint=did_you_mean(mode, _RESOLVE_MODES)
        )
    return cast("ResolveMode", mode)


def _cache_imports(options: Mapping[str, str]) -> tuple[CacheImport, ...]:
    value = options.get("cache-imports")
    imports = [_cache_import(entry, value) for entry in _json(value)] if value else []
    legacy = options.get("cache-from")
    refs = legacy.split(",") if legacy else ()
    return (*imports, *(("registry", {"ref": ref}) for ref in refs))


def _json(value: str) -> list[Any]:
    try:
        entries = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(
            f'failed to unmarshal cache-imports ("{value}"): {error}'
        ) from error
    return entries if isinstance(entries, list) else [entries]


def _cache_import(entry: Any, value: str | None) -> CacheImport:
    match entry:
        case {"Type": str(kind), "Attrs": dict(attrs)}:
            return kind, {key: str(attr) for key, attr in attrs.items()}
        case {"Type": str(kind)}:
            return kind, {}
        case _:
            raise InvalidValueError(
                f'failed to unmarshal cache-imports ("{value}")',
                hint='[{"Type": "registry", "Attrs": {"ref": "…"}}]',
            )


def _sbom(options: Mapping[str, str]) -> Sbom | None:
    attestations: dict[str, str] = {}
    for prefix in ("build-arg:BUILDKIT_ATTEST_", "attest:"):
        for key, value in options.items():
            if key.startswith(prefix):
                attestations[key.removeprefix(prefix).lower()] = value
    for key in attestations:
        if key not in _ATTESTATIONS:
            raise InvalidValueError(
                f'unknown attestation type "{key}"', hint=did_you_mean(key, _ATTESTATIONS)
            )
    if "sbom" not in attestations:
        return None
    try:
        fields = split_csv(attestations["sbom"]) if attestations["sbom"] else ()
    except ValueError as error:
        raise InvalidValueError(f"failed to parse sbom: {error}") from error
    pairs = dict(item.partition("=")[::2] for item in fields)
    generator = pairs.pop("generator", _SBOM_GENERATOR)
    try:
        reference = Reference.parse(generator).tagged()
    except InvalidValueError as error:
        raise InvalidValueError(
            f"failed to parse sbom scanner {generator}: {error.message}"
        ) from error
    return Sbom(str(reference), tuple(sorted(pairs.items())))
