"""Untrusted bytes are a definition or one clear error, in linear time."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb import dump
from llb._pb import ops_pb2 as pb
from llb.compare import compare, explain, render
from llb.definition.definition import Definition
from llb.errors import InvalidDefinitionError, LLBError
from llb.protobuf import digest_of
from llb.source_map import SourceFile
from tests.timing import cpu_seconds
from tests.unit.definitions import every_kind, input_of, message_of, result_of

SOURCE = pb.Op(source=pb.SourceOp(identifier="local://x")).SerializeToString()
DIGEST = digest_of(SOURCE)
GOOD = every_kind().to_bytes()
NOT_A_DEFINITION = "invalid LLB definition"


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidDefinitionError) as caught:
        Definition.from_bytes(data)
    return caught.value.message


def use(data: bytes) -> None:
    """Process the bytes in every way that a command would."""
    definition = Definition.from_bytes(data)
    for form in (dump.text, dump.json, dump.tree, dump.dot, dump.mermaid):
        form(definition)
    comparison = compare(every_kind(), definition)
    render(comparison)
    explain(comparison)
    assert compare(definition, definition).equal
    assert Definition.from_bytes(definition.to_bytes()).ops == definition.ops


@pytest.mark.parametrize("data", [b"not llb", b"\xff\xff\xff", b"\x7fELF", b"{}", b"\x20\x01"])
def test_other_bytes_are_refused(data: bytes) -> None:
    assert refusal(data) == NOT_A_DEFINITION


def test_a_definition_truncated_between_operations_is_refused() -> None:
    assert refusal(message_of(*every_kind().ops[:3])) == (
        "the last operation of the definition does not point at the result"
    )


def test_every_prefix_of_a_definition_is_a_definition_or_an_error() -> None:
    for length in range(len(GOOD)):
        with suppress(LLBError):
            use(GOOD[:length])


def test_an_input_with_an_unknown_digest_is_refused() -> None:
    for digest in ("", "sha256:", "é" * 3, DIGEST.upper(), "sha256:" + "0" * 64):
        last = pb.Op(inputs=[pb.Input(digest=digest)]).SerializeToString()
        assert refusal(message_of(SOURCE, last)) == (
            f"operation {digest_of(last)} has an input that is not in the definition: {digest}"
        )


@pytest.mark.parametrize("index", [-1, 1, 2**62, -(2**63)])
def test_an_output_that_an_operation_lacks_is_refused(index: int) -> None:
    last = result_of(SOURCE, index)
    assert refusal(message_of(SOURCE, last)) == (
        f"operation {digest_of(last)} takes output {index} of {DIGEST}, which has 1"
    )


def test_a_definition_without_a_result_is_refused() -> None:
    assert refusal(message_of(SOURCE, b"")) == "the last operation of the definition has no input"


def test_a_malformed_operation_is_refused() -> None:
    bad = b"\x0a\xff"
    assert refusal(message_of(bad, result_of(bad))) == (
        f"operation {digest_of(bad)} cannot be decoded"
    )


def test_a_string_that_is_not_utf_8_is_refused() -> None:
    bad = b"\x1a\x04\x0a\x02\xff\xfe"
    assert refusal(message_of(bad, result_of(bad))) == (
        f"operation {digest_of(bad)} cannot be decoded"
    )
    assert refusal(b"\x12\x04\x0a\x02\xff\xfe") == NOT_A_DEFINITION


def test_a_duplicate_operation_is_accepted_as_by_the_daemon() -> None:
    definition = Definition.from_bytes(message_of(SOURCE, SOURCE, result_of(SOURCE)))
    assert dump.tree(definition) == "#1 local://x\n"
    assert compare(definition, definition).equal


def test_an_input_may_come_after_its_user_as_for_the_daemon() -> None:
    ops = every_kind().ops
    data = message_of(*reversed(ops[:-1]), ops[-1])
    use(data)
    plain = Definition(ops)
    assert compare(Definition.from_bytes(data), plain).equal


def test_a_hundred_thousand_inputs_are_read() -> None:
    wide = pb.Op(inputs=[input_of(SOURCE)] * 100_000, merge=pb.MergeOp()).SerializeToString()
    definition = Definition.from_bytes(message_of(SOURCE, wide, result_of(wide)))
    assert dump.tree(definition) == "#2 merge\n└── #1 local://x\n"
    assert compare(definition, definition).equal


def test_a_length_beyond_the_end_is_refused() -> None:
    assert refusal(b"\x0a\xff\xff\xff\xff\x7f" + SOURCE) == NOT_A_DEFINITION


@pytest.mark.parametrize("levels", [1, 32, 33, 34, 10_000])
def test_definitions_nested_in_source_files_are_read_or_refused(levels: int) -> None:
    data = message_of(SOURCE, result_of(SOURCE)) + nested(levels)
    # Each level has three messages, and protobuf reads up to a hundred nested ones.
    if 3 * levels < 100:
        use(data)
    else:
        assert refusal(data) == NOT_A_DEFINITION


@pytest.mark.parametrize("levels", [34, 10_000])
def test_a_deeply_nested_operation_is_refused(levels: int) -> None:
    bad = b"\x2a" + prefixed(b"\x1a" + prefixed(nested(levels)))
    assert refusal(message_of(bad, result_of(bad))) == (
        f"operation {digest_of(bad)} cannot be decoded"
    )


def test_an_operation_nested_up_to_the_limit_of_protobuf_is_shown() -> None:
    deep = b"\x2a" + prefixed(b"\x1a" + prefixed(nested(32)))
    use(message_of(deep, result_of(deep)))


def test_a_million_nested_groups_are_refused() -> None:
    assert refusal(b"\x0b" * 1_000_000 + b"\x0c" * 1_000_000) == NOT_A_DEFINITION


def test_a_source_file_with_a_too_deep_definition_is_refused() -> None:
    files = (SourceFile("x", b"", definition=nested(34)),)
    definition = Definition((SOURCE, result_of(SOURCE)), files=files)
    with pytest.raises(InvalidDefinitionError) as caught:
        definition.to_pb()
    assert str(caught.value) == (
        f"{NOT_A_DEFINITION} (expected the output of a build script, or of "
        "State.marshal().to_bytes())"
    )


def test_a_location_in_a_missing_source_is_refused() -> None:
    message = pb.Definition.FromString(message_of(SOURCE, result_of(SOURCE)))
    message.Source.locations[DIGEST].locations.add(sourceIndex=-1)
    assert refusal(message.SerializeToString()) == (
        "invalid source index -1 in a location: the definition has 0 source files"
    )


def test_the_time_is_linear_in_the_length() -> None:
    few, many = chain(2_000), chain(20_000)
    # Ten times the input takes ten times as long, not a hundred times.
    assert cpu_seconds(lambda: use(many), runs=1) < 40 * cpu_seconds(lambda: use(few))


@given(st.data())
def test_a_damaged_definition_is_a_definition_or_an_error(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        end = data.draw(st.integers(start, min(len(damaged), start + 8)))
        damaged[start:end] = data.draw(st.binary(max_size=8))
    with suppress(LLBError):
        use(bytes(damaged))


@given(st.data())
def test_a_damaged_operation_is_a_definition_or_an_error(data: st.DataObject) -> None:
    op = bytearray(data.draw(st.sampled_from(every_kind().ops[1:-1])))
    op[data.draw(st.integers(0, len(op) - 1))] = data.draw(st.integers(0, 255))
    with suppress(LLBError):
        use(message_of(*every_kind().ops[:-1], bytes(op), result_of(bytes(op))))


def prefixed(data: bytes) -> bytes:
    """Prefix data with its length as a varint."""
    length, prefix = len(data), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*prefix, length]) + data


def nested(levels: int) -> bytes:
    """Build a definition with a source file that has a definition with a source file …"""
    data = b""
    for _ in range(levels):
        for tag in (b"\x1a", b"\x12", b"\x1a"):
            data = tag + prefixed(data)
    return data


def chain(length: int) -> bytes:
    ops = [SOURCE]
    for number in range(length):
        meta = pb.Meta(args=["/bin/sh", "-c", f"step {number}"])
        body = pb.ExecOp(meta=meta, mounts=[pb.Mount(dest="/")])
        ops.append(pb.Op(inputs=[input_of(ops[-1])], exec=body).SerializeToString())
    return message_of(*ops, result_of(ops[-1]))
