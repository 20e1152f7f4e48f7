"""Bytes of a file that are no UTF-8, which Docker lets through.

They go through the passes as Python's surrogates, one for each, and are what Go makes of them
where they leave: a replacement character in words, messages and JSON, the byte itself in the
content of a file, and a mistake in an operation.
"""

from __future__ import annotations

import re

_OCTET = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def decode(data: bytes) -> str:
    """Return the text of a file."""
    return data.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes of a text from a file."""
    return text.encode("utf-8", errors="surrogateescape")


def shown(text: str, instead: str = _REPLACEMENT) -> str:
    """Return a text for people, or for JSON, with ``instead`` for each such byte."""
    return text if text.isascii() else _OCTET.sub(instead, text)


def has_octets(text: str) -> bool:
    """Return whether there are such bytes in a text."""
    return not text.isascii() and _OCTET.search(text) is not None
