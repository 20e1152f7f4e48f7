"""Change valid input so that it stays close to valid: bytes, messages of protobuf,
frames of HTTP/2 and JSON.

All choices come from a seeded random generator, so that every input can be made again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import frozen

from llb.grpc.http2 import frames
from llb.protobuf import read_varint, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

_EDGES = (0, 1, 2, 127, 128, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_SIZES = (1, 2, 3, 8, 64, 1000)
_HEADER = frames.HEADER_SIZE
_DEPTH = 6


def mutated_bytes(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Flip, cut, repeat, insert or splice bytes."""
    start = random.randint(0, len(data))
    end = min(len(data), start + random.choice(_SIZES))
    part = data[start:end]
    match random.randrange(6):
        case 0 if part:
            changed = bytes([part[0] ^ 1 << random.randrange(8)])
            return data[:start] + changed + data[start + 1 :]
        case 1:
            return data[:start]
        case 2:
            return data[:start] + part * random.choice(_SIZES) + data[end:]
        case 3:
            return data[:start] + random.randbytes(random.choice(_SIZES[:4])) + data[start:]
        case 4 if others:
            other = random.choice(others)
            return data[:start] + other[random.randint(0, len(other)) :]
        case _:
            return data[:start] + data[end:]


def mutated_list(
    random: Random,
    items: Sequence[bytes],
    mutate: Callable[[Random, bytes], bytes],
    others: Sequence[bytes] = (),
) -> list[bytes]:
    """Drop, repeat, swap, add or mutate some items."""
    changed = list(items)
    for _ in range(random.randint(1, 4)):
        index = random.randint(0, len(changed))
        match random.randrange(6):
            case 0:
                del changed[index : index + random.choice((1, 2, len(changed)))]
            case 1:
                changed[index:index] = changed[index : index + 2] * random.choice((1, 2, 20))
            case 2:
                changed[index : index + 2] = reversed(changed[index : index + 2])
            case 3 if others:
                changed.insert(index, random.choice(others))
            case _ if index < len(changed):
                changed[index] = mutate(random, changed[index])
    return changed


@frozen
class _Field:
    """A field of a message: its number, wire type, and content after the tag."""

    number: int
    wire: int
    content: bytes

    def encode(self) -> bytes:
        tag = varint(self.number << 3 | self.wire)
        return tag + (varint(len(self.content)) if self.wire == 2 else b"") + self.content


def mutated_message(random: Random, data: bytes, depth: int = 0) -> bytes:
    """Change the fields of a protobuf message: numbers, wire types, lengths, order and contents."""
    fields = _parse_fields(data)
    if not fields or random.random() < 0.1:
        return mutated_bytes(random, data)
    index = random.randrange(len(fields))
    chosen = fields[index]
    replacement: list[_Field | bytes] = [chosen]
    match random.randrange(8):
        case 0:
            number = random.choice((0, chosen.number + 1, random.randint(1, 20), 2**29 - 1))
            replacement = [_Field(number, chosen.wire, chosen.content)]
        case 1:
            replacement = [_Field(chosen.number, random.randrange(8), chosen.content)]
        case 2:
            replacement = [chosen] * random.choice((0, 2, 50))
        case 3:
            # A length that is not that of the content.
            tag = varint(chosen.number << 3 | 2)
            replacement = [tag + varint(random.choice(_EDGES)) + chosen.content]
        case 4:
            other = random.randrange(len(fields))
            fields[other], chosen = chosen, fields[other]
            replacement = [chosen]
        case _:
            replacement = [_mutated_field(random, chosen, depth)]
    parts = [*fields[:index], *replacement, *fields[index + 1 :]]
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)


def _mutated_field(random: Random, field: _Field, depth: int) -> _Field:
    match field.wire:
        case 0:
            content = varint(random.choice((*_EDGES, random.getrandbits(64))))
        case 2 if depth < _DEPTH and random.random() < 0.7:
            content = mutated_message(random, field.content, depth + 1)
        case 2 if random.random() < 0.1:
            content = field.content * 1000
        case _:
            content = mutated_bytes(random, field.content)
    return _Field(field.number, field.wire, content)


def _parse_fields(data: bytes) -> list[_Field]:
    """Split a message into its fields; none if it is not a message."""
    fields, offset = [], 0
    try:
        while offset < len(data):
            tag, offset = read_varint(data, offset)
            wire, start = tag & 7, offset
            match wire:
                case 0:
                    _, offset = read_varint(data, offset)
                case 1 | 5:
                    offset += 8 if wire == 1 else 4
                case 2:
                    size, start = read_varint(data, offset)
                    offset = start + size
                case _:
                    return []
            if offset > len(data):
                return []
            fields.append(_Field(tag >> 3, wire, data[start:offset]))
    except ValueError:
        return []
    return fields


def mutated_frame(random: Random, frame: bytes) -> bytes:
    """Change the length, kind, flags, stream or payload of an HTTP/2 frame."""
    if len(frame) < _HEADER:
        return mutated_bytes(random, frame)
    size, kind = int.from_bytes(frame[:3], "big"), frame[3]
    flags, stream = frame[4], int.from_bytes(frame[5:_HEADER], "big")
    payload = frame[_HEADER:]
    match random.randrange(7):
        case 0:
            size = random.choice((0, 1, size + 1, 2**14, 2**20, 2**20 + 1, 2**24 - 1))
        case 1:
            kind = random.choice((*range(11), 255))
        case 2:
            flags ^= 1 << random.randrange(8)
        case 3:
            stream = random.choice((0, 1, 2, 3, 5, 101, 2**31 - 1, 2**32 - 1))
        case 4 if len(payload) >= 4:
            start = random.randrange(len(payload) - 3)
            word = random.choice(_EDGES[:-2]).to_bytes(4, "big")
            payload = payload[:start] + word + payload[start + 4 :]
        case _:
            payload = mutated_bytes(random, payload)
            size = len(payload)
    return frames.header(kind, flags, stream, min(size, 2**24 - 1)) + payload


def split_frames(data: bytes) -> list[bytes]:
    """Split valid HTTP/2 output, without a preface, into frames."""
    found, offset = [], 0
    while offset < len(data):
        end = offset + _HEADER + int.from_bytes(data[offset : offset + 3], "big")
        found.append(data[offset:end])
        offset = end
    return found


_JSON_VALUES: tuple[object, ...] = (
    *(None, True, 0, -1, 2**63, 1e308, float("nan"), float("inf"), "", "\ud800", "a\n\x1b[2J"),
    *([], {}, [[]], {"": None}, ["a", 1], {"a": {"a": 1}}, "9" * 30, "\0", "x" * 5000),
)


def mutated_json(random: Random, data: bytes) -> bytes:
    """Replace values and keys of a valid JSON document, nest it deeply, or change its bytes."""
    match random.randrange(10):
        case 0 | 1:
            return mutated_bytes(random, data)
        case 2:
            return b'{"config":' * random.choice((1, 50, 5000)) + data
        case 3:
            return data.replace(b'"', random.choice((b"", b"'", b'""')), random.randint(1, 3))
        case _:
            return json.dumps(_mutated_value(random, json.loads(data))).encode()


def _mutated_value(random: Random, value: object) -> object:
    if random.random() < 0.15:
        return random.choice(_JSON_VALUES)
    match value:
        case dict() if value:
            key = random.choice(list(value))
            changed = {**value, key: _mutated_value(random, value[key])}
            if random.random() < 0.1:
                changed[random.choice(list(value))] = changed.pop(key)
            return changed
        case [*items] if items:
            index = random.randrange(len(items))
            return [*items[:index], _mutated_value(random, items[index]), *items[index + 1 :]]
        case _:
            return random.choice(_JSON_VALUES)
