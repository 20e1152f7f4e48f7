"""A part of a definition is a definition."""

from __future__ import annotations

import pytest

from llb import Definition, Image, bind
from llb.errors import InvalidDefinitionError

TOOLS = Image("golang").run("go install tool", name="tools")
MADE = TOOLS.run("make", mounts=[bind(Image("alpine").mkdir("/a"), "/src")])


def test_a_part_has_its_operations_with_their_metadata_and_locations() -> None:
    whole, tools = MADE.marshal(), TOOLS.marshal()
    assert tools.head is not None
    part = whole.at(tools.head)
    assert (part.ops[:-1], part.head) == (tools.ops[:-1], tools.head)
    digests = {vertex.digest for vertex in part.vertices()[:-1]}
    assert part.metadata == {digest: whole.metadata[digest] for digest in digests}
    assert part.locations.keys() == digests
    assert Definition.from_bytes(part.to_bytes()).vertices() == part.vertices()


def test_a_part_may_be_another_output() -> None:
    written = MADE.mounted("/src")
    whole = MADE.copy(written, "/").marshal()
    (process, number) = whole.vertices()[-2].inputs[1]
    assert number == 1
    assert whole.at(process, number).ops == written.marshal().ops


def test_a_missing_operation_is_named() -> None:
    with pytest.raises(InvalidDefinitionError, match="operation sha256:1 is not in the definition"):
        MADE.marshal().at("sha256:1")
