"""Platforms: parse and normalize ``os/architecture[/variant]``.

The rules of normalization are those of containerd's ``platforms`` package, which BuildKit uses to
compare platforms.
"""

from __future__ import annotations

import platform as host_platform
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb.arguments.checked import checked, checked_init
from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.path import join

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(r"[A-Za-z0-9_.-]+\Z")
_OS_PART = re.compile(r"(?P<os>[A-Za-z0-9_-]+)(?:\((?P<options>[^()]*)\))?\Z")

_KNOWN_OS = ("linux", "windows", "darwin", "freebsd")
_WITH_LINUX = ("darwin", "win32")
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "i386": "386",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
}
_KNOWN_ARCHITECTURES = (
    *(*_ARCHITECTURES, *_ARCHITECTURES.values()),
    *("loong64", "mips64le", "ppc64le", "riscv64", "s390x"),
)
_VARIANTS = {"armhf": "v7", "armel": "v6", "i386": ""}
# Machine names of uname(2) that differ from the names in images.
_MACHINES = {
    "armv6l": "armel",
    "armv7l": "armhf",
    "i686": "386",
    "mips64el": "mips64le",
    "ppc64el": "ppc64le",
}


def _features(features: Iterable[str]) -> tuple[str, ...]:
    return tuple(features)


@checked_init
@frozen
class Platform:
    """An operating system and an architecture, with an optional variant, OS version and features.

    ``variant`` is the level of the architecture (``v7`` of arm). ``os_version`` and ``os_features``
    are those of the OCI image specification and matter only for Windows.
    """

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] = field(default=(), converter=_features)

    @classmethod
    @checked
    def parse(cls, text: str) -> Platform:
        """Parse and normalize a platform string.

        ``text`` is ``os/arch[/variant]``; ``os`` may carry a version and features as
        ``os(version+feature)``. Raises InvalidValueError if it is malformed.

        >>> str(Platform.parse("linux/aarch64"))
        'linux/arm64'
        """
        parts = text.split("/")
        first = _OS_PART.match(parts[0])
        if first is None or len(parts) not in (2, 3) or not all(map(_PART.match, parts[1:])):
            raise InvalidValueError(
                f"invalid platform {text!r}: expected os/arch or os/arch/variant",
                hint=_platform_hint(text),
            )
        version, *features = (first["options"] or "").split("+")
        return cls(
            os=first["os"],
            architecture=parts[1],
            variant=parts[2] if len(parts) == 3 else None,
            os_version=version or None,
            os_features=tuple(features),
        ).normalize()

    @classmethod
    def host(cls) -> Platform:
        """Detect the platform of containers on this machine.

        macOS and Windows run those of Linux, in a virtual machine.
        """
        machine = host_platform.machine()
        os = "linux" if sys.platform in _WITH_LINUX else sys.platform
        return cls(os=os, architecture=_MACHINES.get(machine, machine)).normalize()

    def normalize(self) -> Platform:
        """Replace aliases and default variants with containerd's normal form."""
        architecture = self.architecture.lower()
        variant = _VARIANTS.get(architecture, (self.variant or "").lower())
        architecture = _ARCHITECTURES.get(architecture, architecture)
        os = self.os.lower()
        return evolve(
            self,
            os="darwin" if os == "macos" else os,
            architecture=architecture,
            variant=_normal_variant(architecture, variant) or None,
            os_features=tuple(sorted(set(self.os_features))),
        )

    def __str__(self) -> str:
        """Format as ``os/arch[/variant]``, which :meth:`parse` accepts."""
        os = self.os
        if self.os_version or self.os_features:
            os = f"{os}({'+'.join((self.os_version or '', *self.os_features))})"
        return join(os, self.architecture, self.variant or "")


def complete(text: str) -> str:
    """Complete a platform without system or architecture; ``local`` is this machine's.

    Any other text is left as it is.

    >>> complete("linux/arm64"), complete("darwin/") == "darwin/"
    ('linux/arm64', True)
    """
    host = Platform.host()
    word = text.lower()
    if word == "local":
        return str(host)
    if word in _KNOWN_OS:
        return f"{word}/{host.architecture}"
    return f"{host.os}/{word}" if word in _KNOWN_ARCHITECTURES else text


@lru_cache(maxsize=256)
def to_platform(value: Platform | str) -> Platform:
    """Normalize a platform, parsing it if it is a string. Raises InvalidValueError."""
    return Platform.parse(value) if isinstance(value, str) else value.normalize()


def _normal_variant(architecture: str, variant: str) -> str:
    match architecture, variant:
        case "arm64", "8" | "v8" | "v8.0":
            return ""
        case "arm64", "9" | "9.0" | "v9.0":
            return "v9"
        case "arm", "":
            return "v7"
        case "arm", "5" | "6" | "7" | "8":
            return f"v{variant}"
        case "amd64", "v1":
            return ""
        case _:
            return variant


def _platform_hint(text: str) -> str | None:
    """Complete a system or an architecture without the other, or correct a system."""
    word = text.split("/", maxsplit=1)[0].lower()
    if text == word and word in _KNOWN_OS:
        return f"add the architecture: {word}/amd64"
    if word in _KNOWN_ARCHITECTURES:
        return f"add the system: linux/{word}"
    if word in _KNOWN_OS:
        return "name one platform, without spaces or commas: linux/amd64 or linux/arm/v7"
    return did_you_mean(word, _KNOWN_OS) or "for example linux/amd64 or linux/arm/v7"
