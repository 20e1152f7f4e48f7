"""The answer of a frontend to a check: warnings, and the error that would end a build."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from llb.errors import InputError, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT, _JSON = "result.txt", "result.json"
_NOTHING_FOUND = "Check complete, no warnings found.\n"


def check_text(answer: Mapping[str, bytes]) -> str:
    """Format the warnings for people, below their number."""
    text = answer[_TEXT].decode(errors="replace")
    value = _value(answer)
    count = len(_list(value, "warnings"))
    if not text and "buildError" not in value:
        return _NOTHING_FOUND
    if not count:
        return text
    counted = "1 warning has" if count == 1 else f"{count} warnings have"
    return f"Check complete, {counted} been found!\n{text}"


def check_error(answer: Mapping[str, bytes]) -> InputError | None:
    """Convert the error of the file, if there is one, with its lines."""
    match _value(answer):
        case {"buildError": {"message": str(message), **error}} as value:
            return InputError(message, span=_span(error.get("location"), _list(value, "sources")))
    return None


def _span(location: object, sources: list[Any]) -> Span | None:
    match location:
        case {"ranges": [{"start": {"line": int(first)}, "end": {"line": int(last)}}, *_], **rest}:
            number = rest.get("sourceIndex", 0)
        case _:
            return None
    index = number if isinstance(number, int) else 0
    try:
        source = sources[index]
        text = base64.b64decode(source["data"]).decode(errors="replace")
        return Span(str(source["filename"]), text, first, last)
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _value(answer: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        value = json.loads(answer.get(_JSON, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    entries = value.get(key)
    return entries if isinstance(entries, list) else []
