"""Why a text names no image or no platform, in the words of the readers that Docker uses.

The words are those of ``distribution/reference`` and ``containerd/platforms``.
"""

from __future__ import annotations

import re

from llb import Reference
from llb.errors import InvalidValueError
from llb.gocompat.fmt import quote

_IDENTIFIER = re.compile(r"[a-f0-9]{64}\Z")
_SYSTEM = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"  # as it is told
_DIGEST = re.compile(r"@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):([0-9a-fA-F]{32,})\Z")
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HUB = ("docker.io", "index.docker.io")
_COMPONENT = "^[A-Za-z0-9_.-]+$"


def why_no_image(name: str) -> str:
    """Return why a name is none of an image."""
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


def why_no_platform(text: str) -> str:
    """Return why a text is no platform."""
    parts = text.split("/")
    for place, part in enumerate(parts):
        pattern = _COMPONENT if place else _SYSTEM
        if re.match(pattern, part) is None or part.endswith("\n"):
            kind, told = ("an invalid", "platform specifier") if place else ("an invalid OS", "")
            told = told or "OSAndVersion specifier"
            return (
                f"{quote(part)} is {kind} component of {quote(text)}: "
                f"{told} component must match {quote(pattern)}: invalid argument"
            )
    if len(parts) == 1:
        return f"{quote(text)}: unknown operating system or architecture: invalid argument"
    return f"{quote(text)}: cannot parse platform specifier: invalid argument"


def _is_reference(name: str) -> bool:
    try:
        Reference.parse(name)
    except InvalidValueError:
        return False
    return True


def _without_domain(name: str) -> str:
    """Return a name without its domain, and with what it stands for without one."""
    domain, slash, rest = name.partition("/")
    if not slash:
        return f"library/{name}"
    is_domain = domain == "localhost" or set(domain) & set(".:") or domain != domain.lower()
    if not is_domain:
        return name
    return f"library/{rest}" if domain in _HUB and "/" not in rest else rest
