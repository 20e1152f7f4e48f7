"""Files with bytes that are not valid UTF-8, which Docker accepts.

Inside the conversion such a byte is one of Python's surrogates. The result treats it as Go does: it
becomes a replacement character in words, messages and JSON, stays itself in the content of a file,
and is an error in an operation.
"""

from __future__ import annotations

import re

_OCTET = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def decode(data: bytes) -> str:
    """Decode the bytes of a file."""
    return data.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Encode a string to the bytes of its file."""
    return text.encode("utf-8", errors="surrogateescape")


def shown(text: str, instead: str = _REPLACEMENT) -> str:
    """Replace each invalid byte by ``instead``, for people or for JSON."""
    return text if text.isascii() else _OCTET.sub(instead, text)


def has_octets(text: str) -> bool:
    """Check whether a string contains invalid bytes."""
    return not text.isascii() and _OCTET.search(text) is not None
