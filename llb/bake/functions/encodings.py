"""Functions that encode and decode: base64, URLs, JSON and CSV."""

from __future__ import annotations

import base64
import binascii
import csv
from urllib.parse import quote_plus

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.values.json import from_json, to_json
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import DYNAMIC, STRING, ObjectType
from llb.bake.values.value import Value, list_of, object_of, string
from llb.gocompat.fmt import quote

_STR = Parameter("str", STRING)


@define("base64encode", _STR)
def _base64_encode(text: Value) -> Value:
    """The text in base64."""
    return string(base64.b64encode(text.text.encode()).decode())


@define("base64decode", _STR)
def _base64_decode(text: Value) -> Value:
    """The text that is given in base64."""
    try:
        data = base64.b64decode(text.text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Unsuitable(f"failed to decode base64 data '{text.text}'") from None
    try:
        return string(data.decode())
    except UnicodeDecodeError:
        raise Unsuitable("the decoded data is not a text in UTF-8") from None


@define("urlencode", _STR)
def _url_encode(text: Value) -> Value:
    """The text as a part of a URL's query."""
    return string(quote_plus(text.text, safe=""))


@define("jsonencode", Parameter("val", DYNAMIC, nullable=True))
def _json_encode(value: Value) -> Value:
    """A value as JSON."""
    return string(to_json(value))


@define("jsondecode", _STR)
def _json_decode(text: Value) -> Value:
    """The value that is given as JSON."""
    return from_json(text.text)


@define("csvdecode", _STR)
def _csv_decode(text: Value) -> Value:
    """The lines of CSV as objects, whose attributes the first line names."""
    try:
        rows = [row for row in csv.reader(text.text.splitlines(keepends=True), strict=True) if row]
    except csv.Error as error:
        raise Unsuitable(f"invalid CSV: {error}") from None
    if not rows:
        raise Unsuitable("missing header line")
    headers, *lines = rows
    for at, header in enumerate(headers):
        if header in headers[:at]:
            raise Unsuitable(f"duplicate column name {quote(header)}")
    for at, line in enumerate(lines, 2):
        if len(line) != len(headers):
            raise Unsuitable(f"CSV parse error on line {at}: wrong number of fields")
    kind = ObjectType.of(dict.fromkeys(headers, STRING))
    objects = (object_of(dict(zip(headers, map(string, line), strict=True))) for line in lines)
    return list_of(objects, kind)


@define("byteslen", Parameter("buf", DYNAMIC))
def _bytes_len(buffer: Value) -> Value:
    """The size of bytes, which no bake file can have."""
    raise Unsuitable(f"bytes are required, but this is a {buffer.type.friendly}", argument=0)


@define("bytesslice", Parameter("buf"), Parameter("offset"), Parameter("length"))
def _bytes_slice(buffer: Value, offset: Value, length: Value) -> Value:  # noqa: ARG001
    """A part of bytes, which no bake file can have."""
    raise Unsuitable(f"bytes are required, but this is a {buffer.type.friendly}", argument=0)
