"""Protobuf's wire format, encoded by hand: field encoders, a reader, and digests of the bytes.

Each of the first functions takes a field number and creates the encoder of that field;
:mod:`llb.ops_proto` uses them to define the fields of LLB's messages. Definitions are not written
through protobuf's classes because the order of fields is part of an operation's digest, and because
encoding by hand takes a fifth of the time. As in proto3, a field with its default value is omitted;
an empty message is written. The rules are those of
https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING

try:
    # ``hashlib`` loads OpenSSL, which takes 3 to 5 ms; ``random`` does the same.
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_VARINT = 0
_LENGTH_DELIMITED = 2
_MINUS_ONE = b"\xff" * 9 + b"\x01"
_SMALL = tuple(bytes([number]) for number in range(128))


def integer(number: int) -> Callable[[int], bytes]:
    """Create the encoder of an integer, boolean or enumeration.

    >>> integer(1)(300).hex()
    '08ac02'
    """
    return MethodType(_integer, varint(number << 3 | _VARINT))


def oneof_integer(number: int) -> Callable[[int], bytes]:
    """Create the encoder of an integer in a oneof, which also writes 0."""
    return MethodType(_oneof_integer, varint(number << 3 | _VARINT))


def packed_integers(number: int) -> Callable[[Iterable[int]], bytes]:
    """Create the encoder of a repeated field of integers."""
    return MethodType(_packed_integers, length_delimited_tag(number))


def string(number: int) -> Callable[[str], bytes]:
    """Create the encoder of a string.

    >>> string(3)("/a").hex()
    '1a022f61'
    """
    return MethodType(_string, length_delimited_tag(number))


def strings(number: int) -> Callable[[Iterable[str]], bytes]:
    """Create the encoder of a repeated field of strings, which also writes empty ones."""
    return MethodType(_strings, length_delimited_tag(number))


def binary(number: int) -> Callable[[bytes], bytes]:
    """Create the encoder of a field of bytes."""
    return MethodType(_binary, length_delimited_tag(number))


def message(number: int) -> Callable[[bytes], bytes]:
    """Create the encoder of an encoded message, or of one element of a repeated field."""
    return MethodType(_message, length_delimited_tag(number))


def message_map(number: int) -> Callable[[Mapping[str, bytes]], bytes]:
    """Create the encoder of a map from strings to encoded messages, sorted by key."""
    return MethodType(_message_map, length_delimited_tag(number))


def string_map(number: int) -> Callable[[Mapping[str, str]], bytes]:
    """Create the encoder of a map from strings to strings, sorted by key."""
    return MethodType(_string_map, length_delimited_tag(number))


def flag_map(number: int) -> Callable[[Iterable[str]], bytes]:
    """Create the encoder of a map from strings to booleans, which are all true."""
    return MethodType(_flag_map, length_delimited_tag(number))


def _integer(tag: bytes, value: int) -> bytes:
    return tag + varint(value) if value else b""


def _oneof_integer(tag: bytes, value: int) -> bytes:
    return tag + varint(value)


def _packed_integers(tag: bytes, values: Iterable[int]) -> bytes:
    return _binary(tag, b"".join([varint(value) for value in values]))


def _string(tag: bytes, value: str) -> bytes:
    if not value:
        return b""
    content = value.encode()
    size = len(content)
    return tag + (_SMALL[size] if size < 128 else varint(size)) + content


# Process arguments are most of the encoded data; one call per argument takes 50% longer.
def _strings(tag: bytes, values: Iterable[str]) -> bytes:
    return b"".join(
        [
            tag + (_SMALL[size] if (size := len(content)) < 128 else varint(size)) + content
            for content in map(str.encode, values)
        ]
    )


def _binary(tag: bytes, value: bytes) -> bytes:
    return _message(tag, value) if value else b""


def _message(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    return tag + (_SMALL[size] if size < 128 else varint(size)) + content


def _message_map(tag: bytes, entries: Mapping[str, bytes]) -> bytes:
    return b"".join(
        [
            _message(tag, _message(_KEY, key.encode()) + _message(_VALUE, entries[key]))
            for key in sorted(entries, key=str.encode)
        ]
    )


def _string_map(tag: bytes, entries: Mapping[str, str]) -> bytes:
    return _message_map(tag, {key: value.encode() for key, value in entries.items()})


def _flag_map(tag: bytes, keys: Iterable[str]) -> bytes:
    ordered = sorted(key.encode() for key in keys)
    return b"".join([_message(tag, _message(_KEY, key) + _TRUE) for key in ordered])


def length_delimited_tag(number: int) -> bytes:
    """Encode the tag of field ``number`` for a string, bytes or message."""
    return varint(number << 3 | _LENGTH_DELIMITED)


def varint(value: int) -> bytes:
    """Encode an integer in groups of seven bits; a negative one takes ten bytes.

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


# The two fields of a map entry.
_KEY, _VALUE = length_delimited_tag(1), length_delimited_tag(2)
_TRUE = integer(2)(1)


def read_fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and content of each string, bytes or message field, and skip the others.

    Raises ValueError if ``data`` is not a message.
    """
    offset = 0
    while offset < len(data):
        tag, offset = read_varint(data, offset)
        match tag & 7:
            case 0:
                _, offset = read_varint(data, offset)
            case 1:
                offset += 8
            case 2:
                size, offset = read_varint(data, offset)
                if size > len(data) - offset:
                    raise ValueError("field is cut off")
                yield tag >> 3, data[offset : offset + size]
                offset += size
            case 5:
                offset += 4
            case _:
                raise ValueError("unknown wire type")


def number_of(encode: Callable[[bytes], bytes]) -> int:
    """Determine the field number that an encoder writes."""
    ((number, _),) = read_fields(encode(b""))
    return number


def read_varint(data: bytes, offset: int) -> tuple[int, int]:
    """Decode the integer at ``offset``; also return the offset after it.

    Raises ValueError if the integer is truncated or longer than 64 bits.
    """
    value = 0
    for shift in range(0, 70, 7):
        if offset >= len(data):
            break
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
    raise ValueError("varint is cut off")


def digest_of(data: bytes) -> str:
    """Compute the digest of an encoded operation: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{sha256(data).hexdigest()}"


def sha256_of(data: bytes) -> str:
    """Compute the SHA-256 of bytes as 64 hexadecimal digits."""
    digits: str = sha256(data).hexdigest()
    return digits
