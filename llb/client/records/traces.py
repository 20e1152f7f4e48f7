"""Traces of builds without the secrets that their commands may contain, as buildx writes them."""

from __future__ import annotations

import json
import re
from typing import Any

from llb.errors import InputError
from llb.gocompat.json import marshal_indent

_KEYS = ("ghtoken", "token", "access_key_id", "secret_access_key", "session_token")
_ATTRIBUTE = re.compile(rf"({'|'.join(_KEYS)})=[^ ,]+", re.IGNORECASE)
_GITHUB = re.compile(r"(?:ghu|ghs)_[A-Za-z0-9]{36}|github_pat_\w{82}", re.ASCII)
_HIDDEN = "xxxxx"
_TEXT = "STRING"
# The fields of a span in the order of buildx, which leaves out all others.
_FIELDS = (
    *("Name", "SpanContext", "Parent", "SpanKind", "StartTime", "EndTime", "Attributes", "Events"),
    *("Links", "Status", "DroppedAttributes", "DroppedEvents", "DroppedLinks", "ChildSpanCount"),
    *("Resource", "InstrumentationLibrary"),
)
# The codes of a status, which Go reads as words and writes as numbers.
_CODES = {"Unset": 0, "Error": 1, "Ok": 2}
# Lists that Go leaves out of memory, and so writes as null, if they are empty.
_LISTS = ("Attributes", "Events", "Links", "Resource")


def without_secrets(trace: bytes) -> bytes:
    """Replace tokens and keys in the attributes of spans, which are JSON objects one after another.

    Raises InputError for a trace that is not JSON.
    """
    return "".join(f"{marshal_indent(_sanitized(span))}\n" for span in _spans(trace)).encode()


def hidden(text: str) -> str:
    """Replace tokens and keys in a text.

    >>> hidden("type=s3,access_key_id=AKIA,region=eu")
    'type=s3,access_key_id=xxxxx,region=eu'
    """
    return _GITHUB.sub(_HIDDEN, _ATTRIBUTE.sub(rf"\1={_HIDDEN}", text))


def _spans(trace: bytes) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    spans: list[Any] = []
    try:
        text = trace.decode().strip()
        while text:
            span, end = decoder.raw_decode(text)
            spans.append(span)
            text = text[end:].lstrip()
    except (ValueError, RecursionError) as error:
        raise InputError("the trace of the build is not JSON") from error
    if not all(isinstance(span, dict) for span in spans):
        raise InputError("the trace of the build has other values than spans")
    return spans


def _sanitized(span: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {
        "Attributes": [_hide(attribute) for attribute in span.get("Attributes") or ()],
        "Events": [_without_empty(event) for event in span.get("Events") or ()],
        "Links": [_without_empty(link) for link in span.get("Links") or ()],
    }
    match span:
        case {"Status": {"Code": str(name), **others}}:
            changed["Status"] = {"Code": _CODES.get(name, 0), **others}
    match span:
        case {"InstrumentationLibrary": {"Attributes": None} as library}:
            changed["InstrumentationLibrary"] = library | {"Attributes": {}}
    complete = span | changed
    return _without_empty({key: complete[key] for key in _FIELDS if key in span})


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    return {key: None if key in _LISTS and not item else item for key, item in value.items()}


def _hide(attribute: dict[str, Any]) -> dict[str, Any]:
    match attribute:
        case {"Value": {"Type": kind, "Value": str(text)} as value} if kind == _TEXT:
            return attribute | {"Value": value | {"Value": hidden(text)}}
        case _:
            return attribute
