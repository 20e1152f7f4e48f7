"""Platforms, source files and definitions as protobuf messages, and as Go's JSON of messages.

Answers to subrequests carry messages in two kinds of JSON: that of Go's ``encoding/json``, which
names fields as the ``.proto`` file does, and protobuf's own mapping ("ProtoJSON").
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from llb._pb import ops_pb2
from llb.arguments.checked import checked
from llb.definition.encode import encode_platform, encode_range, encode_source_info
from llb.protobuf import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from llb.definition.definition import Definition
    from llb.platforms import Platform
    from llb.source_map import Range, SourceFile

_LARGE = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


def source_info(file: SourceFile) -> ops_pb2.SourceInfo:
    """Build the message of a source file, with the definition that it was read from."""
    return ops_pb2.SourceInfo.FromString(encode_source_info(file))


def range_message(lines: Range) -> ops_pb2.Range:
    """Build the message of a range of lines in a source file."""
    return ops_pb2.Range.FromString(encode_range(lines))


def platform_message(platform: Platform) -> ops_pb2.Platform:
    """Build the message of a platform."""
    return ops_pb2.Platform.FromString(encode_platform(platform))


@checked
def source_json(file: SourceFile) -> dict[str, Any]:
    """Encode a source file like Go's ``encoding/json``."""
    encoded: dict[str, Any] = _plain(source_info(file))
    return encoded


@checked
def definition_json(definition: Definition) -> dict[str, Any]:
    """Encode a definition for ``frontend.convertllb``: operations by their digests."""
    message = definition.to_pb()
    operations = {digest_of(data): ops_pb2.Op.FromString(data) for data in getattr(message, "def")}
    return {
        "def": {digest: _proto(operations[digest]) for digest in sorted(operations)},
        "metadata": _plain(message.metadata),
        "source": _proto(message.Source),
    }


def _plain(value: Any) -> Any:
    """Encode a value like Go's ``encoding/json``."""
    if hasattr(value, "ListFields"):
        return {field.name: _plain(part) for field, part in value.ListFields()}
    return _parts(value, _plain)


def _proto(message: Message) -> dict[str, Any]:
    """Encode a message in ProtoJSON: camelCase names, 64-bit integers as strings."""
    return {field.json_name: _proto_value(field, value) for field, value in message.ListFields()}


def _proto_value(field: FieldDescriptor, value: Any) -> Any:
    if hasattr(value, "ListFields"):
        return _proto(value)
    if field.cpp_type in _LARGE:
        return str(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    # The values of maps here are strings, booleans and messages, which need no field.
    return _parts(value, partial(_proto_value, field))


def _parts(value: Any, convert: Callable[[Any], Any]) -> Any:
    """Encode bytes as base64, and convert the elements of lists and maps."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "items"):
        return {key: convert(value[key]) for key in sorted(value)}
    if hasattr(value, "extend"):
        return [convert(element) for element in value]
    return value
