"""Protobuf's wire format, written by hand: fields of a message as bytes, and their digest.

Definitions are written this way rather than through protobuf's classes because the order
of fields is part of an operation's digest, and because it takes a fifth of the time.
A field with its default value is left out, as proto3 does; a message is written even
where it is empty. The rules are those of https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    # ``hashlib`` loads OpenSSL, which takes 3 to 5 ms; ``random`` does the same.
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_VARINT = 0
_LENGTH_DELIMITED = 2
_MINUS_ONE = b"\xff" * 9 + b"\x01"
_SMALL = tuple(bytes([number]) for number in range(128))


def varint(value: int) -> bytes:
    """Return a number in groups of seven bits; a negative one takes ten bytes.

    >>> varint(300).hex()
    'ac02'
    """
    if 0 <= value < 128:
        return _SMALL[value]
    if value == -1:
        return _MINUS_ONE
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int) -> bytes:
    """Return the tag of field ``number`` where it holds text, bytes or a message."""
    return varint(number << 3 | _LENGTH_DELIMITED)


def number_tag(number: int) -> bytes:
    """Return the tag of field ``number`` where it holds a number or a truth value."""
    return varint(number << 3 | _VARINT)


def message(field_tag: bytes, content: bytes) -> bytes:
    """Return a field that holds a message or bytes, even empty ones."""
    size = len(content)
    return field_tag + (_SMALL[size] if size < 128 else varint(size)) + content


def text(field_tag: bytes, value: str) -> bytes:
    """Return a field that holds text, nothing for empty text."""
    return message(field_tag, value.encode()) if value else b""


def texts(field_tag: bytes, values: Iterable[str]) -> bytes:
    """Return a repeated field of texts, empty ones included."""
    return b"".join([message(field_tag, value.encode()) for value in values])


def number(field_tag: bytes, value: int) -> bytes:
    """Return a field that holds a number or a truth value, nothing for 0."""
    return field_tag + varint(value) if value else b""


def packed(field_tag: bytes, values: Iterable[int]) -> bytes:
    """Return a repeated field of numbers, nothing where there are none."""
    content = b"".join([varint(value) for value in values])
    return message(field_tag, content) if content else b""


def text_map(field_tag: bytes, entries: Mapping[str, bytes]) -> bytes:
    """Return a map field, by the order of its keys: encoded fields 2 by text."""
    return b"".join(
        [
            message(field_tag, message(b"\x0a", key.encode()) + entries[key])
            for key in sorted(entries, key=str.encode)
        ]
    )


def digest_of(data: bytes) -> str:
    """Return the digest of an encoded operation: ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + sha256_of(data)


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    digits: str = sha256(data).hexdigest()
    return digits
