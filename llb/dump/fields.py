"""Flatten the content of an operation into pairs of a dotted path and a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.definition.decode import Vertex

_SHOWN_DATA = 60


def pairs(path: str, value: object) -> list[tuple[str, Any]]:
    """Flatten a nested value into pairs of path and str, number, bool, or a tuple of them.

    Keys are sorted. An empty message is ``{}``, and bytes are shortened and decoded.

    >>> pairs("merge", {"inputs": ({}, {"input": 1})})
    [('merge.inputs[0]', {}), ('merge.inputs[1].input', 1)]
    """
    flattened: list[tuple[str, Any]] = []
    _collect(path, value, flattened)
    return flattened


def numbers(vertices: Iterable[Vertex]) -> dict[str, int]:
    """Number operations from 1, in the order of the definition."""
    numbers_by_digest: dict[str, int] = {}
    for number, vertex in enumerate(vertices, 1):
        numbers_by_digest.setdefault(vertex.digest, number)
    return numbers_by_digest


def _collect(path: str, value: object, flattened: list[tuple[str, Any]]) -> None:
    # An isinstance check against Mapping, an abstract class, takes a fifth of a listing's time.
    if isinstance(value, dict) and value:
        for key in sorted(value):
            _collect(f"{path}.{key}", value[key], flattened)
    elif isinstance(value, tuple) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            _collect(f"{path}[{index}]", item, flattened)
    else:
        flattened.append((path, _readable(value)))


def _readable(value: object) -> object:
    """Decode and shorten bytes, such as the content of a file or an encoded operation."""
    if isinstance(value, tuple):
        return tuple(map(_readable, value))
    if not isinstance(value, bytes):
        return value
    shown = value[:_SHOWN_DATA].decode("utf-8", errors="backslashreplace")
    return shown if len(value) <= _SHOWN_DATA else f"{shown}… ({len(value)} bytes)"
