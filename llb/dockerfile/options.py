"""What a conversion depends on besides the text of the Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from llb import Platform
from llb.dockerfile.run_options import ProcessOptions
from llb.dockerfile.sources.named_contexts import LocalTree
from llb.dockerfile_rules.run import CACHE_NAMESPACE
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from llb import State
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
    """Say that nothing is known of a source, because nobody can be asked."""
    del source, log_name


@frozen
class ConvertOptions:
    """The request behind a conversion.

    ``platform`` is what is built for, ``explicit_platform`` whether the user said so,
    ``build_platform`` that of the daemon, and ``build_platforms`` all that it builds for.
    ``no_cache`` is True, False, or names of stages in lower case. ``all_stages`` converts
    those too that the target does not need, as the checks of a whole file ask for;
    ``checks`` is whether the file is checked. ``ignore`` are patterns of files that the context does not
    send. ``session_id`` ties the context to a session; without one, ``unique_id`` keeps
    it apart from other builds. ``context`` is the build context where it is no local directory, ``contexts`` are
    the named ones. ``definition`` is the serialized ``pb.Definition`` that the text itself
    was read from. ``is_index`` is whether images of several platforms are made, so that steps
    name theirs. ``find_epoch`` returns the time of a source that ``SOURCE_DATE_EPOCH`` names,
    a tree or a named context. ``processes`` holds for every RUN. ``labs`` allows
    what Docker's frontend has in its labs channel alone.
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
    resolve_mode: str = "default"
    context: State | None = None
    contexts: Mapping[str, str] = field(factory=dict)
    is_index: bool = False
    ignore: tuple[str, ...] = ()
    session_id: str | None = None
    unique_id: str | None = None
    definition: bytes | None = field(default=None, repr=False)
    processes: ProcessOptions = field(default=ProcessOptions())
    labs: bool = False
    find_epoch: Callable[[State | ContextRequest, str], datetime | None] = field(
        default=_no_epoch, repr=False
    )

    @classmethod
    def alone(
        cls,
        *,
        platform: Platform | str | None = None,
        build_platform: Platform | str | None = None,
        session_id: str | None = None,
        unique_id: str | None = None,
        **given: Any,
    ) -> ConvertOptions:
        """Return the options of a conversion that asks no daemon, which would be of this machine.

        Raises InvalidValueError for a platform that is none.
        """
        host = Platform.host() if build_platform is None else to_platform(build_platform)
        return cls(
            platform=host if platform is None else to_platform(platform),
            explicit_platform=platform is not None,
            build_platform=host,
            build_platforms=(host,),
            session_id=session_id,
            unique_id=None if session_id else unique_id,
            **given,
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

    def automatic_arguments(self, stage: str) -> dict[str, str]:
        """Return the arguments that every Dockerfile has (reference, "Automatic platform ARGs").

        ``stage`` is the name of the target, empty for one without a name.
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
        """What the names of cache mounts begin with."""
        return self.build_args.get(CACHE_NAMESPACE, "")

    def parse_platform(self, text: str) -> Platform:
        """Return the platform that ``text`` names, what it leaves out as of the daemon.

        Raises InvalidValueError.
        """
        build = self.build_platform
        if text.lower() in _SYSTEMS:
            return Platform(text.lower(), build.architecture, build.variant)
        if text.lower() in _ARCHITECTURES:
            text = f"{build.os}/{text}"
        parsed = Platform.parse(text)
        # Docker leaves the usual variant out, or in, as it was written.
        match parsed.architecture, parsed.variant, text.count("/"):
            case "arm", "v7", 1:
                return evolve(parsed, variant=None)
            case "arm64", None, 2:
                return evolve(parsed, variant="v8")
            case _:
                return parsed

    def detect_platform(self, image: Platform) -> Platform:
        """Return what an image is for where nobody said, of those that the daemon builds for."""

        def key(platform: Platform) -> tuple[str, str]:
            return platform.os, platform.architecture

        if self.explicit_platform or key(self.platform) == key(image):
            return self.platform
        same = (each for each in self.build_platforms if key(each) == key(image))
        return next(same, self.platform)

    def is_no_cache(self, stage: str | None) -> bool:
        """Return whether the steps of a stage are to be run anew."""
        if isinstance(self.no_cache, bool):
            return self.no_cache
        return stage is not None and stage.lower() in self.no_cache
