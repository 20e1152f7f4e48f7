"""Render definitions: complete, stable, and equal to the golden files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch, cache, dump
from llb.definition.definition import Definition
from tests.unit.definitions import every_kind

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "dump"
EVERY = Path(__file__).parents[1] / "golden" / "llb"

BASE = Image("alpine", platform="linux/amd64")
BUILT = BASE.run("make", mounts=[cache("/c")], name="compile").mkfile("/note", "x" * 100)
STATE = Scratch().copy(BUILT, "/app", src="/bin/app").copy(BASE, "/etc").copy(Local("src"), "/s")


def test_text_shows_every_field() -> None:
    listing = dump.text(STATE.marshal(platform="linux/amd64", source_map=False))
    assert listing == (GOLDEN / "text.txt").read_text()


def test_tree_draws_shared_steps_once() -> None:
    assert dump.tree(STATE.marshal(source_map=False)) == (GOLDEN / "tree.txt").read_text()


def test_dot_has_a_node_for_each_operation() -> None:
    graph = dump.dot(STATE.marshal(platform="linux/amd64", source_map=False))
    assert graph == (GOLDEN / "graph.dot").read_text()


def test_the_empty_tree_is_scratch() -> None:
    empty = Scratch().marshal()
    assert (dump.text(empty), dump.tree(empty), dump.json(empty)) == ("scratch\n", "scratch\n", "")


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (dump.text, "every.txt"),
        (dump.json, "every.json"),
        (dump.tree, "every.tree"),
        (dump.dot, "every.dot"),
        (dump.mermaid, "every.mmd"),
    ],
)
def test_each_form_shows_every_kind_of_operation_and_metadata(
    form: Callable[[Definition], str], name: str
) -> None:
    assert form(every_kind()) == (EVERY / name).read_text()


def test_a_definition_from_bytes_has_the_same_listing() -> None:
    again = Definition.from_bytes(every_kind().to_bytes())
    assert dump.text(again) == dump.text(every_kind())


def test_a_deep_tree_continues_at_the_margin_and_names_every_step() -> None:
    state = BASE
    for number in range(100):
        state = state.run(f"step {number}")
    lines = dump.tree(state.marshal(source_map=False)).splitlines()
    assert max(map(len, lines)) < 200
    assert [line for line in lines if not line.startswith(" ")] == [
        "#101 run step 99",
        "└── #100 run step 98",
        "#61 run step 59",
        "└── #60 run step 58",
        "#21 run step 19",
        "└── #20 run step 18",
    ]
    drawn = [line for line in lines if not line.endswith("… drawn below")]
    assert len(drawn) == 101


def test_a_label_is_one_line_without_control_characters() -> None:
    definition = BASE.run("x", name="a\n\x1b[2Jb\u202e").marshal()
    assert dump.label(definition.vertices()[1]) == "a\\n\\x1b[2Jb\\u202e"


def test_markup_in_mermaid_labels_is_escaped() -> None:
    definition = BASE.run('echo "1" & <b> `c` #x').run("x", name="- 1").marshal(source_map=False)
    assert dump.mermaid(definition) == (
        "flowchart BT\n"
        '  n1(["docker-image://docker.io/library/alpine:latest"])\n'
        '  n2["run echo #34;1#34; #38; #60;b#62; #96;c#96; #35;x"]\n'
        "  n1 --> n2\n"
        '  n3["#45; 1"]\n'
        "  n2 --> n3\n"
        '  n4(("result"))\n'
        "  n3 --> n4\n"
    )
