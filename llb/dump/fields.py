"""The content of an operation as pairs of a dotted path and a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.definition.decode import Vertex

_SHOWN_DATA = 60


def pairs(path: str, value: object) -> list[tuple[str, Any]]:
    """Return a nested value as pairs of path and text, number, truth, or tuple of them.

    Keys are sorted. An empty message is ``{}``, and bytes are their beginning as text.

    >>> pairs("merge", {"inputs": ({}, {"input": 1})})
    [('merge.inputs[0]', {}), ('merge.inputs[1].input', 1)]
    """
    found: list[tuple[str, Any]] = []
    _collect(path, value, found)
    return found


def numbers(vertices: Iterable[Vertex]) -> dict[str, int]:
    """Return the numbers of operations from 1, in the order of the definition."""
    found: dict[str, int] = {}
    for number, vertex in enumerate(vertices, 1):
        found.setdefault(vertex.digest, number)
    return found


def _collect(path: str, value: object, found: list[tuple[str, Any]]) -> None:
    # Asking for Mapping, an abstract class, takes a fifth of a listing's time.
    if isinstance(value, dict) and value:
        for key in sorted(value):
            _collect(f"{path}.{key}", value[key], found)
    elif isinstance(value, tuple) and any(isinstance(each, dict) for each in value):
        for place, each in enumerate(value):
            _collect(f"{path}[{place}]", each, found)
    else:
        found.append((path, _readable(value)))


def _readable(value: object) -> object:
    """Return bytes, which are a file's content or an encoded operation, as text to look at."""
    if isinstance(value, tuple):
        return tuple(map(_readable, value))
    if not isinstance(value, bytes):
        return value
    shown = value[:_SHOWN_DATA].decode("utf-8", errors="backslashreplace")
    return shown if len(value) <= _SHOWN_DATA else f"{shown}… ({len(value)} bytes)"
