"""Reasons why an image reference or a platform is invalid, in the words of Go's packages.

The words are those of ``distribution/reference`` and ``containerd/platforms``.
"""

from __future__ import annotations

import re

from llb import Reference
from llb.errors import InvalidValueError
from llb.gocompat.fmt import quote

_IDENTIFIER = re.compile(r"[a-f0-9]{64}\Z")
_SYSTEM = (
    r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"  # as in the message
)
_DIGEST = re.compile(r"@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):([0-9a-fA-F]{32,})\Z")
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HUB = ("docker.io", "index.docker.io")
_COMPONENT = "^[A-Za-z0-9_.-]+$"


def invalid_image_reason(name: str) -> str:
    """Explain why an image reference is invalid."""
    if _IDENTIFIER.match(name):
        return f"invalid repository name ({name}), cannot specify 64-byte hexadecimal strings"
    path = _without_domain(name).partition(":")[0]
    if path != path.lower():
        return f"invalid reference format: repository name ({path}) must be lowercase"
    digest = _DIGEST.search(name)
    if digest is None or not _is_reference(name[: digest.start()]):
        return "invalid reference format"
    length = _LENGTHS.get(digest[1])
    if length is None:
        return "unsupported digest algorithm"
    kind = "length" if len(digest[2]) != length else "format"
    return f"invalid checksum digest {kind}"


def invalid_platform_reason(platform: str) -> str:
    """Explain why a platform is invalid."""
    parts = platform.split("/")
    for index, part in enumerate(parts):
        pattern = _COMPONENT if index else _SYSTEM
        if re.match(pattern, part) is None or part.endswith("\n"):
            kind, specifier = ("an invalid OS", "OSAndVersion")
            if index:
                kind, specifier = ("an invalid", "platform")
            return (
                f"{quote(part)} is {kind} component of {quote(platform)}: "
                f"{specifier} specifier component must match {quote(pattern)}: invalid argument"
            )
    if len(parts) == 1:
        return f"{quote(platform)}: unknown operating system or architecture: invalid argument"
    return f"{quote(platform)}: cannot parse platform specifier: invalid argument"


def _is_reference(name: str) -> bool:
    try:
        Reference.parse(name)
    except InvalidValueError:
        return False
    return True


def _without_domain(name: str) -> str:
    """Remove the domain of a name, and insert ``library/`` into short names of Docker Hub."""
    domain, slash, path = name.partition("/")
    if not slash:
        return f"library/{name}"
    is_domain = domain == "localhost" or set(domain) & set(".:") or domain != domain.lower()
    if not is_domain:
        return name
    return f"library/{path}" if domain in _HUB and "/" not in path else path
