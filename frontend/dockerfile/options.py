"""What a conversion depends on besides the text of the Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class ConvertOptions:
    """The request behind a conversion.

    ``platform`` is what is built for, ``explicit_platform`` whether the user said so,
    ``build_platform`` that of the daemon. ``no_cache`` is True, False, or names of
    stages in lower case. ``ignore`` are patterns of files that the context does not
    send. ``session_id`` ties the context to a session; without one, ``unique_id`` keeps
    it apart from other builds. ``definition`` is the serialized ``pb.Definition`` that
    the text itself was read from.
    """

    target: str | None = None
    build_args: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
    platform: Platform = field(factory=Platform.host)
    explicit_platform: bool = False
    build_platform: Platform = field(factory=Platform.host)
    no_cache: bool | frozenset[str] = False
    filename: str = "Dockerfile"
    resolve_mode: str = "default"
    context_name: str = "context"
    shared_key: str = "context"
    ignore: tuple[str, ...] = ()
    session_id: str | None = None
    unique_id: str | None = None
    definition: bytes | None = field(default=None, repr=False)

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

    def is_no_cache(self, stage: str | None) -> bool:
        """Return whether the steps of a stage are to be run anew."""
        if isinstance(self.no_cache, bool):
            return self.no_cache
        return stage is not None and stage.lower() in self.no_cache
