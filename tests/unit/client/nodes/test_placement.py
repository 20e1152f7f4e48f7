"""Platforms are placed on nodes: assigned, native, emulated, or on the first."""

from __future__ import annotations

import pytest
from attrs import field, mutable

from llb.client.nodes.placement import place, runnable_on
from llb.platforms import Platform


def platforms(text: str) -> tuple[Platform, ...]:
    return tuple(map(Platform.parse, text.split()))


@mutable(eq=False)
class FakeNode:
    """A node with assigned and reported platforms, which counts how often it was asked."""

    name: str
    assigned: str = ""
    reported: str = ""
    asked: int = 0
    platforms: tuple[Platform, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.platforms = platforms(self.assigned)

    def offered(self) -> tuple[Platform, ...]:
        self.asked += 1
        return platforms(self.reported)


def placed(names: str, *nodes: FakeNode) -> dict[str, list[str]]:
    places = place({name: Platform.parse(name) for name in names.split()}, nodes)
    return {node.name: names for node, names in places.items()}


AMD, ARM = "linux/amd64", "linux/arm64"


def test_platforms_go_to_the_nodes_to_which_all_are_assigned_without_a_question() -> None:
    nodes = FakeNode("a", AMD, f"{AMD} {ARM}"), FakeNode("b", f"{ARM} linux/arm/v7")
    assert placed(f"{ARM} {AMD} linux/arm/v7", *nodes) == {
        "b": [ARM, "linux/arm/v7"],
        "a": [AMD],
    }
    assert [node.asked for node in nodes] == [0, 0]


def test_of_two_nodes_with_the_same_assigned_platform_the_first_is_used() -> None:
    assert placed(AMD, FakeNode("a", AMD), FakeNode("b", AMD)) == {"a": [AMD]}


@pytest.mark.parametrize(
    ("names", "nodes", "expected"),
    [
        # Reported by the workers.
        (f"{AMD} {ARM}", (("a", "", AMD), ("b", "", ARM)), {"a": [AMD], "b": [ARM]}),
        # Native before emulated.
        (ARM, (("a", "", f"{AMD} {ARM}"), ("b", "", ARM)), {"b": [ARM]}),
        (ARM, (("a", "", f"{AMD} {ARM}"), ("b", "", "linux/s390x")), {"a": [ARM]}),
        # Assigned before native, even if another platform is assigned to nobody.
        (f"{ARM} linux/386", (("a", "", ARM), ("b", ARM, AMD)), {"b": [ARM, "linux/386"]}),
        # An exact platform before one that also runs it.
        ("linux/386", (("a", "", AMD), ("b", "", "linux/s390x linux/386")), {"b": ["linux/386"]}),
        ("linux/arm/v6", (("a", "", ARM), ("b", "", "linux/arm/v7")), {"b": ["linux/arm/v6"]}),
        ("linux/arm/v6", (("a", "", AMD), ("b", "", ARM)), {"b": ["linux/arm/v6"]}),
        # What nobody has goes to the first.
        (
            f"linux/riscv64 {ARM}",
            (("a", "", AMD), ("b", ARM, AMD)),
            {"a": ["linux/riscv64"], "b": [ARM]},
        ),
    ],
)
def test_a_platform_goes_to_the_node_that_is_closest(
    names: str, nodes: tuple[tuple[str, str, str], ...], expected: dict[str, list[str]]
) -> None:
    fakes = [FakeNode(*node) for node in nodes]
    assert placed(names, *fakes) == expected
    assert [node.asked for node in fakes] == [1] * len(fakes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", "linux/amd64 linux/386"),
        ("linux/amd64/v3", "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386"),
        ("linux/arm", "linux/arm/v7 linux/arm/v6 linux/arm/v5"),
        ("linux/arm/v5", "linux/arm/v5"),
        ("linux/s390x", "linux/s390x"),
        (
            "linux/arm64/v8.1",
            "linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5",
        ),
    ],
)
def test_a_platform_also_runs_the_lower_ones(text: str, expected: str) -> None:
    assert " ".join(map(str, runnable_on(Platform.parse(text)))) == expected


def test_version_9_of_arm64_runs_what_its_version_of_8_runs() -> None:
    names = [str(platform) for platform in runnable_on(Platform.parse("linux/arm64/v9.1"))]
    assert names[:4] == [
        "linux/arm64/v9.1",
        "linux/arm64/v9",
        "linux/arm64/v8.6",
        "linux/arm64/v8.5",
    ]
    assert names[8:10] == ["linux/arm64", "linux/arm/v8"]
