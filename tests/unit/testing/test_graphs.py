"""Steps of a build, and assertions on them whose messages show the build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Definition, Image, Local, Scratch, bind, cache, merge, secret
from llb.testing.graphs import (
    assert_before,
    assert_independent,
    assert_runs,
    assert_same,
    step,
    steps,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb import State

BASE = Image("alpine").env("A", "1").workdir("/src").user("me")
TOOLS = BASE.run("apk add git", name="tools")
BUILT = TOOLS.copy(Local("context"), "/src").run("make all", mounts=[cache("/c"), secret("s")])
TESTED = TOOLS.run(["pytest", "-x", "a b"])
APP = Scratch().copy(BUILT, "/app", src="/src/app")
BOTH = Scratch().copy(BUILT, "/b").copy(TESTED, "/t")


def test_steps_are_numbered_and_labeled_as_in_the_dump() -> None:
    all_steps = steps(BUILT)
    assert [(built.number, built.kind, built.label) for built in all_steps] == [
        (1, "source", "docker-image://docker.io/library/alpine:latest"),
        (2, "exec", "tools"),
        (3, "source", "local://context"),
        (4, "file", "copy / /src"),
        (5, "exec", "run make all"),
    ]
    tools, process = all_steps[1], all_steps[4]
    assert (tools.name, tools.command, tools.platform) == ("tools", "apk add git", "linux/amd64")
    assert process.args == ("/bin/sh", "-c", "make all")
    assert (process.env["A"], process.cwd, process.user) == ("1", "/src", "me")
    assert list(process.mounts) == ["/c", "/run/secrets/s"]
    assert process.mounts["/c"]["mountType"] == "CACHE"
    assert [source.number for source in process.inputs] == [4]
    assert process.where.startswith("tests/unit/testing/test_graphs.py:")
    assert repr(process) == "Step(number=5)"


def test_a_definition_has_the_same_steps() -> None:
    plain = BUILT.marshal(platform="linux/amd64", source_map=False)
    assert [built.digest for built in steps(plain)] == [built.digest for built in steps(BUILT)]
    assert steps(plain)[0].where == "#1"
    assert steps(Scratch()) == ()


def test_a_step_is_found_by_its_name_or_its_command() -> None:
    for text in ("tools", "apk add git", "add git"):
        assert step(BUILT, text).number == 2
    # An exact match wins over a partial match.
    several = BASE.run("make").run("make all")
    assert step(several, "make").command == "make"


def test_a_process_is_found_by_part_of_its_command_or_its_arguments() -> None:
    assert assert_runs(BUILT, "apk add").name == "tools"
    assert assert_runs(TESTED, ["pytest", "-x", "a b"]).command == "pytest -x 'a b'"


def test_the_order_of_steps_follows_from_the_graph() -> None:
    assert_before(APP, "apk add git", "make all")
    assert_before(APP, "local://context", "copy /src/app /app")
    assert_independent(BOTH, "make all", "pytest")


def test_a_very_long_chain_is_followed() -> None:
    state = BASE
    for number in range(2000):
        state = state.run(f"step {number}!")
    assert_before(state, "step 0!", "step 1999!")


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: assert_runs(BUILT, "make alll"),
            "no step runs 'make alll' (did you mean make all?)",
        ),
        (
            lambda: assert_runs(BUILT, ["make", "all"]),
            "no step runs 'make all' (did you mean make all?)",
        ),
        (lambda: step(BUILT, "cargo"), "no step matches 'cargo'"),
        (
            lambda: step(BUILT, "make all x"),
            "no step matches 'make all x' (did you mean make all?)",
        ),
        (
            lambda: step(BASE.run("make a").run("make b"), "make"),
            "2 steps match 'make': #2 run make a, #3 run make b",
        ),
        (
            lambda: assert_before(plain(BUILT), "make all", "tools"),
            "'tools' (#2) is not after 'run make all' (#5): it comes before it",
        ),
        (
            lambda: assert_before(plain(BOTH), "make all", "pytest"),
            (
                "\"run pytest -x 'a b'\" (#7) is not after 'run make all' (#5): "
                "it does not depend on it"
            ),
        ),
        (
            lambda: assert_independent(plain(BUILT), "tools", "make all"),
            "'run make all' (#5) depends on 'tools' (#2)",
        ),
    ],
)
def test_a_failure_names_the_steps_and_shows_the_build(
    check: Callable[[], object], message: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        check()
    first, second, *tree = str(caught.value).splitlines()
    assert (first, second) == (message, "the build is")
    assert tree[0].startswith("#")


def plain(state: State) -> Definition:
    """Marshal a build without source locations."""
    return state.marshal(platform="linux/amd64", source_map=False)


def test_builds_are_the_same_regardless_of_their_source_locations() -> None:
    assert_same(BASE.run("x"), BASE.run("x"))


def test_a_difference_between_builds_is_explained() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_same(plain(BASE.run("x").run("z")), plain(BASE.run("y").run("z")))
    assert str(caught.value) == (
        "the builds differ:\n"
        "~ #2: run y\n"
        "    exec.meta.args: x → y\n"
        "  rebuilt because of #2: run y\n"
        "    #3: run z\n"
        "\n"
        "1 changed, 1 rebuilt, 1 the same\n"
    )


def test_a_different_order_of_steps_is_a_difference() -> None:
    old = plain(merge([Image("a"), Image("b")]))
    first, second, *others = old.ops
    new = Definition((second, first, *others), old.metadata)
    with pytest.raises(AssertionError, match="the steps are the same, but in a different order"):
        assert_same(old, new)


def test_inputs_may_come_after_the_steps_that_use_them() -> None:
    source, process, last = plain(BASE.run("x")).ops
    reordered = steps(Definition((process, source, last)))
    assert [dependency.label for dependency in reordered[0].inputs] == [reordered[1].label]


def test_a_mount_of_another_tree_is_an_input() -> None:
    state = BASE.run("make", mounts=[bind(Image("debian"), "/d")])
    assert [source.label for source in step(state, "make").inputs] == [
        "docker-image://docker.io/library/alpine:latest",
        "docker-image://docker.io/library/debian:latest",
    ]
