"""Files and names with bytes that are not valid UTF-8, which Docker accepts.

In Python such a byte is one of its surrogates. The result of a conversion treats it as Go does: it
becomes a replacement character in words, messages and JSON, stays itself in the content of a file,
and is an error in an operation.
"""

from __future__ import annotations

import re

_OCTET = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def decode(data: bytes) -> str:
    """Decode the bytes of a file, or its name in a tree of the daemon."""
    return data.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Encode a string to the bytes of its file or name."""
    return text.encode("utf-8", errors="surrogateescape")


def shown(text: str, instead: str = _REPLACEMENT) -> str:
    """Replace each invalid byte by ``instead``, for people or for JSON."""
    return text if text.isascii() else _OCTET.sub(instead, text)


def has_octets(text: str) -> bool:
    """Check whether a string contains invalid bytes."""
    return not text.isascii() and _OCTET.search(text) is not None
