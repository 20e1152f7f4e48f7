"""Build the answers to subrequests, in the JSON of Go's ``encoding/json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.gateway import Result
from llb.gocompat import json as gojson
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def to_result(
    value: Any, version: str, *, text: bytes | None = None, status: int | None = None
) -> Result:
    """Build an answer: ``value`` for programs, ``text`` for people, and a status for scripts."""
    metadata = {"result.json": _encode(value), "version": version.encode()}
    if text is not None:
        metadata["result.txt"] = text
    if status is not None:
        metadata["result.statuscode"] = str(status).encode()
    return Result(metadata=metadata)


def location(lines: Iterable[int]) -> dict[str, Any]:
    """Encode a location in the first source of an answer."""
    ranges = [{"start": {"line": line}, "end": {"line": line}} for line in lines]
    return without_empty({"ranges": ranges})


def without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Drop empty fields, like Go's ``omitempty``."""
    return {name: value for name, value in fields.items() if value not in ("", None, False, [])}


def _encode(value: Any) -> bytes:
    return shown(gojson.dumps(value, indent=2)).encode()
