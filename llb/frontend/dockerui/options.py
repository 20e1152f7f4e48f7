"""The options of a build, as clients send them to a Dockerfile frontend.

The names are those that BuildKit's own Dockerfile frontend reads (``frontend/dockerui``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb import Platform, Reference
from llb.dockerfile.run_options import ProcessOptions, parse_process_options
from llb.errors import InvalidValueError, did_you_mean
from llb.frontend.dockerui.local_sources import DEFAULT_FILENAME
from llb.gocompat.csv import split_csv
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.gateway import Request

_RESOLVE_MODES = ("default", "pull", "local")
_ATTESTATIONS = ("sbom", "provenance")
_SBOM_GENERATOR = "docker/buildkit-syft-scanner:stable-1"
_REMOVED = "support for {} was removed in BuildKit 0.11"

CacheImport = tuple[str, dict[str, str]]


@frozen
class Sbom:
    """The program that lists what is in an image, and what it is told."""

    generator: str
    parameters: tuple[tuple[str, str], ...] = ()


@frozen
class Options:
    """What a client asked of the build of a Dockerfile.

    ``context`` is where the build context is, in a repository or at a URL, and empty for the
    local directory. ``dockerfile_name`` is the local directory with the Dockerfile, where one
    was asked for that counts even if the context is elsewhere. ``contexts`` are the named ones.
    ``no_cache`` is True, False, or the stages that are to be built anew. ``platforms`` are
    what is built for, none for the daemon's own, and ``is_index`` whether the result names
    them even if it is one. ``build_platforms`` are all that the daemon builds for, its own
    first. ``syntax`` is what ``BUILDKIT_SYNTAX`` asks for, and ``forwarded`` says that another
    frontend already followed a ``# syntax`` line to get here. ``processes`` holds for every
    RUN. ``request_id`` names what is asked for instead of a build.
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
    resolve_mode: str
    cache_imports: tuple[CacheImport, ...]
    sbom: Sbom | None
    syntax: str | None
    forwarded: bool
    processes: ProcessOptions = field(default=ProcessOptions())
    request_id: str | None = None

    @classmethod
    def from_request(cls, request: Request, filename: str = DEFAULT_FILENAME) -> Options:
        """Return the options of a request; ``filename`` is where it names none.

        Raises InvalidValueError.
        """
        given = request.options
        _refuse_removed(given)
        build_args = request.prefixed("build-arg:")
        no_cache = given.get("no-cache")
        platforms = _platforms(given.get("platform", ""))
        return cls(
            filename=given.get("filename", filename),
            context=given.get(given.get("contextkey", "context"), ""),
            context_folder=given.get("contextsubdir"),
            dockerfile_name=given.get("dockerfilekey"),
            contexts=request.prefixed("context:"),
            input_metadata=request.prefixed("input-metadata:"),
            sessions=request.prefixed("local-sessionid:"),
            shared_keys=request.prefixed("sharedkey:localdir:"),
            target=given.get("target") or None,
            build_args=build_args,
            labels=request.prefixed("label:"),
            no_cache=_stages(no_cache) if no_cache else no_cache is not None,
            platforms=platforms,
            is_index=_is_index(given, platforms),
            build_platforms=request.platforms or (Platform.host(),),
            resolve_mode=_resolve_mode(given.get("image-resolve-mode") or "default"),
            cache_imports=_cache_imports(given),
            sbom=_sbom(given),
            syntax=build_args.get("BUILDKIT_SYNTAX"),
            forwarded="cmdline" in given,
            processes=parse_process_options(given),
            request_id=given.get("requestid"),
        )

    @property
    def build_platform(self) -> Platform:
        """The daemon's own platform."""
        return self.build_platforms[0]


def _refuse_removed(given: Mapping[str, str]) -> None:
    if given.get("override-copy-image"):
        raise InvalidValueError(_REMOVED.format('"override-copy-image"'))
    if _switch(given.get("build-arg:BUILDKIT_DISABLE_FILEOP", "")):
        raise InvalidValueError(_REMOVED.format('"BUILDKIT_DISABLE_FILEOP" build-arg'))


def _switch(text: str) -> bool | None:
    try:
        return parse_switch(text)
    except ValueError:
        return None


def _stages(text: str) -> frozenset[str]:
    return frozenset(name.lower() for name in text.split(","))


def _platforms(text: str) -> tuple[Platform, ...]:
    if not text:
        return ()
    found = []
    for each in text.split(","):
        try:
            found.append(Platform.parse(each))
        except InvalidValueError as error:
            raise InvalidValueError(
                f"failed to parse target platform {each}: {error.message}", hint=error.hint
            ) from error
    return tuple(found)


def _is_index(given: Mapping[str, str], platforms: tuple[Platform, ...]) -> bool:
    text = given.get("build-arg:BUILDKIT_MULTI_PLATFORM") or given.get("multi-platform")
    if not text:
        return len(platforms) > 1
    wanted = _switch(text)
    if wanted is None:
        raise InvalidValueError(f"invalid boolean value for multi-platform: {text}")
    if not wanted and len(platforms) > 1:
        raise InvalidValueError(
            "conflicting config: returning multiple target platforms is not allowed",
            hint="leave multi-platform=false out, or build for one platform",
        )
    return wanted


def _resolve_mode(text: str) -> str:
    if text not in _RESOLVE_MODES:
        raise InvalidValueError(
            f"invalid image-resolve-mode: {text}", hint=did_you_mean(text, _RESOLVE_MODES)
        )
    return text


def _cache_imports(given: Mapping[str, str]) -> tuple[CacheImport, ...]:
    text = given.get("cache-imports")
    found = [_cache_import(each, text) for each in _json(text)] if text else []
    older = given.get("cache-from")
    return (*found, *(("registry", {"ref": each}) for each in (older.split(",") if older else ())))


def _json(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f'failed to unmarshal cache-imports ("{text}"): {error}') from error
    return found if isinstance(found, list) else [found]


def _cache_import(entry: Any, text: str | None) -> CacheImport:
    match entry:
        case {"Type": str(kind), "Attrs": dict(attrs)}:
            return kind, {key: str(value) for key, value in attrs.items()}
        case {"Type": str(kind)}:
            return kind, {}
        case _:
            raise InvalidValueError(
                f'failed to unmarshal cache-imports ("{text}")',
                hint='[{"Type": "registry", "Attrs": {"ref": "…"}}]',
            )


def _sbom(given: Mapping[str, str]) -> Sbom | None:
    wanted: dict[str, str] = {}
    for prefix in ("build-arg:BUILDKIT_ATTEST_", "attest:"):
        for key, value in given.items():
            if key.startswith(prefix):
                wanted[key.removeprefix(prefix).lower()] = value
    for key in wanted:
        if key not in _ATTESTATIONS:
            raise InvalidValueError(
                f'unknown attestation type "{key}"', hint=did_you_mean(key, _ATTESTATIONS)
            )
    if "sbom" not in wanted:
        return None
    try:
        fields = split_csv(wanted["sbom"]) if wanted["sbom"] else ()
    except ValueError as error:
        raise InvalidValueError(f"failed to parse sbom: {error}") from error
    pairs = dict(each.partition("=")[::2] for each in fields)
    generator = pairs.pop("generator", _SBOM_GENERATOR)
    try:
        reference = Reference.parse(generator).tagged()
    except InvalidValueError as error:
        raise InvalidValueError(
            f"failed to parse sbom scanner {generator}: {error.message}"
        ) from error
    return Sbom(str(reference), tuple(sorted(pairs.items())))
