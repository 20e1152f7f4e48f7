"""The options of a build, as clients send them to a Dockerfile frontend.

The names are those that BuildKit's own Dockerfile frontend reads (``frontend/dockerui``).
An option that this frontend does not honour is refused: a build that ignores what it
was asked for looks right and is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb import Platform
from llb.errors import LLBError, RemoteError
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.gateway import Request

DEFAULT_FILENAME = "Dockerfile"

_UNIMPLEMENTED = 12
_UNSUPPORTED = (
    "add-hosts",
    "attest:sbom",
    "cgroup-parent",
    "contextsubdir",
    "cpuperiod",
    "cpuquota",
    "cpusetcpus",
    "cpusetmems",
    "cpushares",
    "force-network-mode",
    "hostname",
    "memory",
    "memswap",
    "override-copy-image",
    "shm-size",
    "ulimit",
)
_UNSUPPORTED_PREFIXES = ("context:", "input-metadata:")
_UNSUPPORTED_ARGS = ("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE")
_REMOTE_CONTEXTS = ("http://", "https://", "git://", "git@", "ssh://", "github.com/")


@frozen
class Options:
    """What a client asked of the build of a Dockerfile.

    ``context_name`` and ``dockerfile_name`` are the local directories that hold
    the build context and the Dockerfile. ``no_cache`` is True, False, or the
    stages that are to be built anew. ``platform`` is the daemon's own unless
    ``explicit_platform``; ``build_platforms`` are all that the daemon builds for. ``syntax`` is what ``BUILDKIT_SYNTAX`` asks
    for, and ``forwarded`` says that another frontend already followed a
    ``# syntax`` line to get here.
    """

    filename: str
    context_name: str
    dockerfile_name: str
    target: str | None
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    no_cache: bool | frozenset[str]
    platform: Platform
    explicit_platform: bool
    build_platform: Platform
    build_platforms: tuple[Platform, ...]
    resolve_mode: str
    shared_key: str
    syntax: str | None
    forwarded: bool

    @classmethod
    def from_request(cls, request: Request) -> Options:
        """Return the options of a request.

        Raises RemoteError (Unimplemented) or LLBError for what is not supported.
        """
        _refuse_unsupported(request)
        given = request.options
        build_args = request.prefixed("build-arg:")
        build_platform = request.platforms[0] if request.platforms else Platform.host()
        platform = _target_platform(request)
        no_cache = given.get("no-cache")
        return cls(
            filename=given.get("filename") or DEFAULT_FILENAME,
            context_name="context",
            dockerfile_name=given.get("dockerfilekey", "dockerfile"),
            target=given.get("target") or None,
            build_args=build_args,
            labels=request.prefixed("label:"),
            no_cache=_stages(no_cache) if no_cache else no_cache is not None,
            platform=platform or build_platform,
            explicit_platform=platform is not None,
            build_platform=build_platform,
            build_platforms=tuple(request.platforms),
            resolve_mode=given.get("image-resolve-mode", "default"),
            shared_key=given.get("sharedkey:localdir:context", "context"),
            syntax=build_args.get("BUILDKIT_SYNTAX"),
            forwarded="cmdline" in given,
        )


def _stages(text: str) -> frozenset[str]:
    return frozenset(name.lower() for name in text.split(",") if name)


def _target_platform(request: Request) -> Platform | None:
    names = [name for name in request.options.get("platform", "").split(",") if name]
    if len(names) > 1:
        raise _unsupported("building for several platforms at once")
    if request.flag("multi-platform"):
        raise _unsupported("option multi-platform")
    return to_platform(names[0].strip()) if names else None


def _refuse_unsupported(request: Request) -> None:
    given = request.options
    if "requestid" in given:
        raise RemoteError(
            f"unsupported request {given['requestid']}: this frontend answers builds alone",
            code=_UNIMPLEMENTED,
        )
    for name in given:
        if name in _UNSUPPORTED or name.startswith(_UNSUPPORTED_PREFIXES):
            raise _unsupported(f"option {name}")
    for name in _UNSUPPORTED_ARGS:
        if f"build-arg:{name}" in given:
            raise _unsupported(f"build argument {name}")
    if given.get("context", "").startswith(_REMOTE_CONTEXTS):
        raise _unsupported("a context in a repository or at a URL")


def _unsupported(what: str) -> LLBError:
    return LLBError(
        f"{what} is not supported by this frontend yet",
        hint="build with docker/dockerfile:1, or leave the option out",
    )
