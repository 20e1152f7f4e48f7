"""Options of a Dockerfile conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from llb import Platform
from llb.arguments.checked import checked, checked_raw_init
from llb.dockerfile.run_options import ProcessOptions
from llb.dockerfile.sources.named_contexts import LocalTree
from llb.dockerfile.sources.remote import parse_git_advice
from llb.dockerfile_rules.run import CACHE_NAMESPACE
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from llb import State
    from llb.buildkit_names import ResolveMode
    from llb.dockerfile.sources.named_contexts import ContextRequest

_SYSTEMS = ("linux", "windows", "darwin", "freebsd")
_ARCHITECTURES = (
    "386",
    "aarch64",
    "amd64",
    "arm",
    "arm64",
    "armhf",
    "i386",
    "loong64",
    "mips64",
    "mips64le",
    "ppc64le",
    "riscv64",
    "s390x",
    "x86-64",
    "x86_64",
)


def _no_epoch(source: State | ContextRequest, log_name: str) -> None:
    """Return no time for any source, because there is no daemon to ask."""
    del source, log_name


@checked_raw_init
@frozen
class ConvertOptions:
    """The options of one conversion.

    ``platform`` is the target platform, ``explicit_platform`` whether the user chose it,
    ``build_platform`` the daemon's platform, and ``build_platforms`` all that it can build.
    ``no_cache`` is True, False, or a set of stage names in lower case. ``all_stages`` also
    converts the stages that the target does not need, to check the whole file; ``checks`` enables
    the checks. ``ignore`` are patterns of files that the context does not send. ``session_id``
    ties the context to a session; without a session, ``unique_id`` separates it from other builds.
    ``context`` is the build context if it is not a local directory, ``contexts`` are the named
    ones. ``definition`` is the serialized ``pb.Definition`` that the Dockerfile was read from.
    ``is_index`` is whether the build has several platforms, in which case step names begin with
    theirs. ``find_epoch`` returns the time of a source, a tree or a named context, that
    ``SOURCE_DATE_EPOCH`` names. ``processes`` applies to every RUN.
    """

    target: str | None = None
    build_args: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
    platform: Platform = field(factory=Platform.host)
    explicit_platform: bool = False
    build_platform: Platform = field(factory=Platform.host)
    build_platforms: tuple[Platform, ...] = ()
    no_cache: bool | frozenset[str] = False
    all_stages: bool = False
    checks: bool = True
    filename: str = "Dockerfile"
    resolve_mode: ResolveMode = "default"
    context: State | None = None
    contexts: Mapping[str, str] = field(factory=dict)
    is_index: bool = False
    ignore: tuple[str, ...] = ()
    session_id: str | None = None
    unique_id: str | None = None
    definition: bytes | None = field(default=None, repr=False)
    processes: ProcessOptions = field(default=ProcessOptions())
    find_epoch: Callable[[State | ContextRequest, str], datetime | None] = field(
        default=_no_epoch, repr=False
    )

    @classmethod
    @checked
    def alone(
        cls,
        *,
        platform: Platform | str | None = None,
        build_platform: Platform | str | None = None,
        session_id: str | None = None,
        unique_id: str | None = None,
        **options: Any,
    ) -> ConvertOptions:
        """Create options for a conversion without a daemon; the host's platform is the default.

        Raises InvalidValueError for an invalid platform.
        """
        host = Platform.host() if build_platform is None else to_platform(build_platform)
        return cls(
            platform=host if platform is None else to_platform(platform),
            explicit_platform=platform is not None,
            build_platform=host,
            build_platforms=(host,),
            session_id=session_id,
            unique_id=None if session_id else unique_id,
            **options,
        )

    @property
    def local_context(self) -> LocalTree:
        """The build context as a local directory."""
        return LocalTree(
            "context",
            "[internal] load build context",
            "context",
            self.ignore,
            self.session_id,
            self.unique_id,
        )

    @checked
    def automatic_arguments(self, stage: str) -> dict[str, str]:
        """Build the predefined arguments (reference, "Automatic platform ARGs").

        ``stage`` is the name of the target, empty if it has no name.
        """
        build, target = self.build_platform, self.platform
        plain_build = "/".join(
            part for part in (build.os, build.architecture, build.variant) if part
        )
        values = {
            "BUILDPLATFORM": plain_build,
            "BUILDOS": build.os,
            "BUILDOSVERSION": build.os_version or "",
            "BUILDARCH": build.architecture,
            "BUILDVARIANT": build.variant or "",
            "TARGETPLATFORM": str(target),
            "TARGETOS": target.os,
            "TARGETOSVERSION": target.os_version or "",
            "TARGETARCH": target.architecture,
            "TARGETVARIANT": target.variant or "",
            "TARGETSTAGE": stage or "default",
        }
        return {key: self.build_args.get(key, value) for key, value in values.items()}

    @property
    def cache_namespace(self) -> str:
        """The prefix of the ids of cache mounts."""
        return self.build_args.get(CACHE_NAMESPACE, "")

    @property
    def git_advice(self) -> bool:
        """Whether git prints its advice. Raises InvalidValueError."""
        return parse_git_advice(self.build_args)

    @checked
    def parse_platform(self, text: str) -> Platform:
        """Parse a platform, and fill in missing parts from the daemon's platform.

        Raises InvalidValueError.
        """
        build = self.build_platform
        if text.lower() in _SYSTEMS:
            return Platform(text.lower(), build.architecture, build.variant)
        if text.lower() in _ARCHITECTURES:
            text = f"{build.os}/{text}"
        parsed = Platform.parse(text)
        # Docker keeps or omits the default variant as it is written.
        match parsed.architecture, parsed.variant, text.count("/"):
            case "arm", "v7", 1:
                return evolve(parsed, variant=None)
            case "arm64", None, 2:
                return evolve(parsed, variant="v8")
            case _:
                return parsed

    @checked
    def detect_platform(self, image: Platform) -> Platform:
        """Choose the platform of a base image if the user did not, among the daemon's platforms."""

        def key(platform: Platform) -> tuple[str, str]:
            return platform.os, platform.architecture

        if self.explicit_platform or key(self.platform) == key(image):
            return self.platform
        matching = (platform for platform in self.build_platforms if key(platform) == key(image))
        return next(matching, self.platform)

    @checked
    def is_no_cache(self, stage: str | None) -> bool:
        """Check whether the steps of a stage ignore the cache."""
        if isinstance(self.no_cache, bool):
            return self.no_cache
        return stage is not None and stage.lower() in self.no_cache
