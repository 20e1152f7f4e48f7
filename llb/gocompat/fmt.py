"""Format strings as Go's ``fmt`` does; they are part of an image's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Bytes that are not valid UTF-8, as Python decodes them with surrogateescape.
_OCTETS = range(0xDC80, 0xDD00)
_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quoted(words: Iterable[str]) -> str:
    """Format a list of strings as ``%q`` does.

    >>> quoted(["/bin/sh", "-c"])
    '["/bin/sh" "-c"]'
    """
    return f"[{' '.join(quote(word) for word in words)}]"


def plain(words: Iterable[str]) -> str:
    """Format a list of strings as ``%v`` does.

    >>> plain(["80/tcp", "443/tcp"])
    '[80/tcp 443/tcp]'
    """
    return f"[{' '.join(words)}]"


def quote(word: str) -> str:
    """Quote a string as ``%q`` does."""
    if word.isprintable() and '"' not in word and "\\" not in word:
        return f'"{word}"'
    return f'"{"".join(_escaped(character) for character in word)}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code in _OCTETS:
        return f"\\x{code & 0xFF:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
