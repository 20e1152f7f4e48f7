"""Split a line of CSV (RFC 4180) with strict quotes, as Go's ``encoding/csv`` does."""

from __future__ import annotations

import re

from llb.gocompat.utf8 import encode

_INSIDE = re.compile(r'(?:[^"]|"")*')


def split_csv(text: str) -> tuple[str, ...]:
    """Split a line of CSV into fields.

    Raises ValueError for an empty or malformed line, in the words of Go's ``encoding/csv``.
    """
    text = text.removesuffix("\n").removesuffix("\r" if text.endswith("\r\n") else "")
    if not text:
        raise ValueError("EOF")
    fields: list[str] = []
    offset = 0
    while True:
        field, offset = (
            _parse_quoted(text, offset)
            if text.startswith('"', offset)
            else _parse_plain(text, offset)
        )
        fields.append(field)
        if offset == len(text):
            return tuple(fields)
        # A comma at the end starts another, empty field.
        offset += 1
        if offset == len(text):
            return (*fields, "")


def _parse_plain(text: str, start: int) -> tuple[str, int]:
    end = text.find(",", start)
    field = text[start:] if end < 0 else text[start:end]
    if '"' in field:
        raise _error(text, start + field.index('"'), 'bare " in non-quoted-field')
    return field, start + len(field)


def _parse_quoted(text: str, start: int) -> tuple[str, int]:
    match = _INSIDE.match(text, start + 1)
    assert match is not None
    end = match.end()
    if end == len(text):
        last = text.rfind('"', start, end) + 1
        raise _error(text, last, 'extraneous or missing " in quoted-field')
    if not text.startswith(",", end + 1) and end + 1 != len(text):
        raise _error(text, end, 'extraneous or missing " in quoted-field')
    return match[0].replace('""', '"'), end + 1


def _error(text: str, offset: int, reason: str) -> ValueError:
    column = len(encode(text[:offset])) + 1
    return ValueError(f"parse error on line 1, column {column}: {reason}")
