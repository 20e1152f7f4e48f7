"""What a BuildKit tells, printed whole: as JSON, or with a line for each field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from llb.platforms import Platform

if TYPE_CHECKING:
    from attrs import AttrsInstance

JSON = click.option("--json", "as_json", is_flag=True, help="Print all fields as JSON.")
JSON_LINES = click.option("--json", "as_json", is_flag=True, help="Print all fields as JSON lines.")
VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Print all fields, one a line.")
_NAME_WIDTH = 13


def to_json(record: AttrsInstance, *, indent: int | None = None, **instead: object) -> str:
    """Return a record as JSON: its fields by their names in Python, times as in ISO 8601.

    ``instead`` are other values of fields.
    """
    fields = asdict(record, recurse=False) | instead
    return json.dumps(fields, default=_plain, indent=indent, sort_keys=True, ensure_ascii=False)


def to_rows(record: AttrsInstance) -> str:
    """Return the fields that are not empty, each in a line, and an empty line."""
    fields = asdict(record, recurse=False)
    rows = [f"{name.replace('_', ' '):<{_NAME_WIDTH}}{_word(fields[name])}" for name in fields]
    return "\n".join([*(row for row in rows if row[_NAME_WIDTH:]), ""])


def ago(moment: datetime) -> str:
    """Return how long ago a moment was, for a person: ``3h ago``."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit} ago"
    return f"{max(seconds, 0)}s ago"


def _word(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return " ".join(map(str, value))
        case datetime():
            return value.isoformat()
        case _:
            return str(value)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Platform) else asdict(value, recurse=False)
