"""Definitions round-trip through bytes; other bytes are refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from llb import Definition, Image, LinuxResources, Local, ProgressGroup, Scratch
from llb.errors import InvalidDefinitionError

EVERYTHING = (
    Image("alpine", platform="windows/amd64")
    .run(
        "true",
        name="a step",
        description={"k": "v"},
        ignore_cache=True,
        export_cache=False,
        progress_group=ProgressGroup("id", "name", weak=True),
        resources=LinuxResources(memory=1),
    )
    .copy(Local("context"), "/src")
)


def test_a_definition_round_trips_through_bytes() -> None:
    definition = EVERYTHING.marshal()
    assert Definition.from_bytes(definition.to_bytes()) == definition


def test_the_empty_tree_is_a_definition_without_operations() -> None:
    definition = Scratch().marshal()
    assert (definition.ops, definition.to_bytes(), definition.head) == ((), b"", None)
    assert Definition.from_bytes(b"") == definition


def test_the_head_is_the_operation_of_the_result() -> None:
    definition = EVERYTHING.marshal()
    assert definition.head == definition.vertices()[-2].digest


def test_bytes_that_are_not_a_definition_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="invalid LLB definition"):
        Definition.from_bytes(b"\xff\xff\xff")


def test_a_missing_input_is_refused() -> None:
    whole = EVERYTHING.marshal()
    part = Definition(ops=whole.ops[1:], metadata=whole.metadata)
    with pytest.raises(InvalidDefinitionError, match="has an input that is not in the definition"):
        Definition.from_bytes(part.to_bytes())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_definition_or_an_error(data: bytes) -> None:
    with suppress(InvalidDefinitionError):
        Definition.from_bytes(data)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"linux_resources": {"cpusetCpus": "\0"}},
            "invalid cpuset_cpus '\\x00': expected a string without NUL",
        ),
        ({"linux_resources": {"memory": -2}}, "invalid memory -2: expected 0 or more"),
    ],
)
def test_metadata_with_an_invalid_value_are_an_error(
    values: dict[str, dict[str, object]], reason: str
) -> None:
    message = Image("busybox").marshal().to_pb()
    (digest, metadata), *_ = message.metadata.items()
    ParseDict(values, metadata)
    with pytest.raises(InvalidDefinitionError) as caught:
        Definition.from_pb(message)
    assert caught.value.message == f"operation {digest}: {reason}"


@given(st.data())
def test_a_damaged_definition_is_a_definition_or_an_error(data: st.DataObject) -> None:
    good = bytearray(EVERYTHING.marshal(source_map=False).to_bytes())
    index = data.draw(st.integers(0, len(good) - 1))
    good[index] = data.draw(st.integers(0, 255))
    with suppress(InvalidDefinitionError):
        Definition.from_bytes(bytes(good))
