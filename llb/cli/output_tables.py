"""Print records of the daemon as JSON or as a table with one field per line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from llb.control_characters import escape, escape_in_json
from llb.platforms import Platform

if TYPE_CHECKING:
    from attrs import AttrsInstance

JSON = click.option("--json", "as_json", is_flag=True, help="Print all fields as JSON.")
JSON_LINES = click.option("--json", "as_json", is_flag=True, help="Print all fields as JSON lines.")
VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Print all fields, one per line.")
_NAME_WIDTH = 13


def to_json(record: AttrsInstance, *, indent: int | None = None, **overrides: object) -> str:
    """Encode a record as JSON: fields by their Python names, times in ISO 8601.

    ``overrides`` replace values of fields.
    """
    fields = asdict(record, recurse=False) | overrides
    text = json.dumps(
        fields, default=_to_jsonable, indent=indent, sort_keys=True, ensure_ascii=False
    )
    return escape_in_json(text)


def to_rows(record: AttrsInstance) -> str:
    """Format the non-empty fields, one per line, followed by an empty line."""
    fields = asdict(record, recurse=False)
    rows = [f"{name.replace('_', ' '):<{_NAME_WIDTH}}{_format(fields[name])}" for name in fields]
    return escape("\n".join([*(row for row in rows if row[_NAME_WIDTH:]), ""]))


def ago(moment: datetime) -> str:
    """Format the age of a moment for people: ``3h ago``."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit} ago"
    return f"{max(seconds, 0)}s ago"


def _format(value: object) -> str:
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


def _to_jsonable(value: Any) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Platform) else asdict(value, recurse=False)
