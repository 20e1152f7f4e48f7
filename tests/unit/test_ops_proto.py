"""The names, numbers and types of our fields are those of the generated protobuf classes."""

from __future__ import annotations

from inspect import isclass
from typing import TYPE_CHECKING, Any

import pytest

from llb import ops_proto
from llb._pb import ops_pb2
from llb.definition.message_dict import plain
from llb.ops.nodes import CacheSharing, ContentCache, Network, Security

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor

MESSAGES = {
    name: fields
    for name, fields in vars(ops_proto).items()
    if isclass(fields) and fields.__module__ == ops_proto.__name__ and name != "MountType"
}
FIELDS = [
    (name, field)
    for name, fields in MESSAGES.items()
    for field in vars(fields)
    if not field.startswith("__")
]


def samples(field: FieldDescriptor) -> list[tuple[Any, Any]]:
    """Choose values for our encoder of a field, with the values that protobuf decodes."""
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        value = kind.fields_by_name["value"]
        if value.message_type is not None:
            return [({"b": b"", "a": b""}, {"a": {}, "b": {}})]
        if value.type == value.TYPE_BOOL:
            return [(frozenset({"b", "a"}), {"a": True, "b": True})]
        return [({"b": "", "a": "c"}, {"a": "c", "b": ""})]
    if kind is not None:
        return [(b"", ({},) if field.is_repeated else {})]
    if field.type == field.TYPE_BYTES:
        return [(b"\xff", (b"\xff",) if field.is_repeated else b"\xff")]
    if field.type == field.TYPE_STRING:
        return [(["a", ""], ("a", ""))] if field.is_repeated else [("a" * 200, "a" * 200)]
    if field.enum_type is not None:
        return [(value.number, value.name) for value in field.enum_type.values if value.number]
    if field.is_repeated:
        return [([0, 300], (0, 300))]
    return [(1, True if field.type == field.TYPE_BOOL else 1)]


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_protobuf_decodes_each_field_under_its_name(name: str, field: str) -> None:
    message = getattr(ops_pb2, name)
    proto_name = field.removesuffix("_")
    encode = getattr(MESSAGES[name], field)
    for value, expected in samples(message.DESCRIPTOR.fields_by_name[proto_name]):
        assert plain(message.FromString(encode(value))) == {proto_name: expected}


@pytest.mark.parametrize("name", MESSAGES)
def test_fields_are_sorted_by_number(name: str) -> None:
    numbers = getattr(ops_pb2, name).DESCRIPTOR.fields_by_name
    ours = [field.removesuffix("_") for message, field in FIELDS if message == name]
    assert ours == sorted(ours, key=lambda field: int(numbers[field].number))


def test_only_unused_fields_are_missing() -> None:
    missing = {
        f"{message.name}.{field.name}"
        for message in ops_pb2.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if (message.name, field.name)
        not in {(name, field.removesuffix("_")) for name, field in FIELDS}
    }
    # A container of the gateway sets resultID; Go's client never writes BuildOp.def.
    assert missing == {"Mount.resultID", "BuildOp.def"}


@pytest.mark.parametrize("value", [0, 7])
def test_an_integer_in_a_oneof_is_written_even_if_it_is_0(value: int) -> None:
    message = ops_pb2.UserOpt.FromString(ops_proto.UserOpt.byID(value))
    assert message.WhichOneof("user") == "byID"
    assert message.byID == value


def test_mount_types_have_protobufs_numbers() -> None:
    ours = {key: value for key, value in vars(ops_proto.MountType).items() if key.isupper()}
    assert ours == dict(ops_pb2.MountType.items())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Network, ops_pb2.NetMode),
        (Security, ops_pb2.SecurityMode),
        (CacheSharing, ops_pb2.CacheSharingOpt),
        (ContentCache, ops_pb2.MountContentCache),
    ],
)
def test_enumerations_have_protobufs_numbers(ours: Any, theirs: Any) -> None:
    names = {member.name: member.value for member in ours}
    # BuildKit's name of the default network is UNSET; its users call it sandbox.
    assert {name.replace("UNSET", "SANDBOX"): value for name, value in theirs.items()} == names
