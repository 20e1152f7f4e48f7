"""A definition as text: complete, stable, and equal to what is checked in."""

from __future__ import annotations

from pathlib import Path

from llb import Image, Local, Scratch, cache, dump

GOLDEN = Path(__file__).parents[2] / "golden" / "dump"

BASE = Image("alpine", platform="linux/amd64")
BUILT = BASE.run("make", mounts=[cache("/c")], name="compile").mkfile("/note", "x" * 100)
STATE = Scratch().copy(BUILT, "/app", path="/bin/app").copy(BASE, "/etc").copy(Local("src"), "/s")


def test_text_shows_every_field() -> None:
    text = dump.text(STATE.marshal(platform="linux/amd64", source_map=False))
    assert text == (GOLDEN / "text.txt").read_text()


def test_tree_draws_what_is_shared_once() -> None:
    assert dump.tree(STATE.marshal(source_map=False)) == (GOLDEN / "tree.txt").read_text()


def test_dot_has_a_node_for_each_operation() -> None:
    assert dump.dot(STATE.marshal(source_map=False)) == (GOLDEN / "graph.dot").read_text()


def test_the_empty_tree_is_scratch() -> None:
    empty = Scratch().marshal()
    assert (dump.text(empty), dump.tree(empty)) == ("scratch\n", "scratch\n")
