"""Compare definitions: the changed step, its field, its line, and the affected steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb import Image, Local, Scratch, bind, cache, merge
from llb._pb import ops_pb2 as pb
from llb.compare import Comparison, FieldChange, compare, explain, render
from llb.definition.definition import Definition
from tests.unit.definitions import every_kind, input_of, message_of, result_of

if TYPE_CHECKING:
    from llb import State

GOLDEN = Path(__file__).parents[1] / "golden" / "llb"


def app(
    *,
    base: str = "alpine",
    env: str = "1",
    packages: str = "git",
    make: str = "make -j2",
    extra: str | None = None,
    name: str = "",
    ignore: bool = False,
    mark: str = "mark",
) -> State:
    """Build two stages, with optional variations."""
    tools = Image(base).env("A", env).run(f"apk add {packages}", name="tools")
    built = tools.copy(Local("context", unique_id=mark), "/src")
    built = built.run(
        make, description={"llb.customname": name} if name else {}, ignore_cache=ignore
    )
    if extra is not None:
        built = built.run(extra)
    return Scratch().copy(built, "/app", src="/out/app").run(["/app", "--check"])


def plain(state: State) -> Definition:
    return state.marshal(platform="linux/amd64", source_map=False)


def between(old: State, new: State) -> Comparison:
    return compare(plain(old), plain(new))


def labels(comparison: Comparison) -> dict[str, list[str]]:
    return {
        "changed": [step.new.label for step in comparison.changed],
        "added": [step.label for step in comparison.added],
        "removed": [step.label for step in comparison.removed],
        "affected": [step.new.label for step in comparison.affected],
    }


def test_equal_definitions_have_no_differences() -> None:
    comparison = between(app(), app())
    assert (comparison.equal, comparison.rebuilds, render(comparison)) == (
        True,
        False,
        "no differences\n",
    )


def test_the_mark_of_a_build_is_not_a_difference() -> None:
    comparison = between(app(mark="one"), app(mark="two"))
    assert (comparison.equal, comparison.rebuilds, render(comparison)) == (
        True,
        False,
        "no differences\n",
    )
    assert [new.label for _, new in comparison.marked] == ["local://context"]


def test_a_moved_line_is_not_a_difference() -> None:
    here = Image("alpine").run("x").marshal(platform="linux/amd64")
    there = Image("alpine").run("x").marshal(platform="linux/amd64")
    assert here != there
    assert compare(here, there).equal


def test_a_changed_step_affects_the_later_ones() -> None:
    comparison = between(app(), app(packages="git make"))
    assert labels(comparison) == {
        "changed": ["tools"],
        "added": [],
        "removed": [],
        "affected": ["copy / /src", "run make -j2", "copy /out/app /app", "run /app --check"],
    }
    assert comparison.changed[0].fields == (
        FieldChange(
            "exec.meta.args",
            ("/bin/sh", "-c", "apk add git"),
            ("/bin/sh", "-c", "apk add git make"),
        ),
    )
    assert {step.causes for step in comparison.affected} == {(comparison.changed[0].new.digest,)}


def test_a_different_base_is_a_changed_source() -> None:
    comparison = between(app(), app(base="alpine:3.20"))
    assert labels(comparison)["changed"] == ["docker-image://docker.io/library/alpine:3.20"]
    assert len(comparison.affected) == 5


def test_an_inserted_step_is_added_and_later_ones_are_affected() -> None:
    assert labels(between(app(), app(extra="strip /out/app"))) == {
        "changed": [],
        "added": ["run strip /out/app"],
        "removed": [],
        "affected": ["copy /out/app /app", "run /app --check"],
    }


def test_a_deleted_step_is_removed_and_later_ones_are_affected() -> None:
    comparison = between(app(extra="strip /out/app"), app())
    assert labels(comparison) == {
        "changed": [],
        "added": [],
        "removed": ["run strip /out/app"],
        "affected": ["copy /out/app /app", "run /app --check"],
    }
    assert {step.causes for step in comparison.affected} == {(comparison.removed[0].digest,)}


def test_a_different_command_between_equal_neighbours_is_a_changed_step() -> None:
    assert labels(between(app(), app(make="ninja all")))["changed"] == ["run ninja all"]


def test_a_step_of_a_different_kind_is_a_different_step() -> None:
    base = Image("alpine")
    comparison = between(base.run("a").run("z"), base.mkdir("/a").run("z"))
    assert labels(comparison) == {
        "changed": [],
        "added": ["mkdir /a"],
        "removed": ["run a"],
        "affected": ["run z"],
    }


def test_an_insertion_among_equal_commands_changes_none_of_them() -> None:
    base = Image("alpine")
    comparison = between(base.run("a").run("a").run("z"), base.run("a").run("a").run("a").run("z"))
    assert labels(comparison) == {
        "changed": [],
        "added": ["run a"],
        "removed": [],
        "affected": ["run z"],
    }


def test_a_variable_is_named_in_every_step_that_has_it() -> None:
    comparison = between(app(), app(env="2"))
    assert [(step.new.label, step.fields) for step in comparison.changed] == [
        ("tools", (FieldChange("exec.meta.env[A]", "1", "2"),)),
        ("run make -j2", (FieldChange("exec.meta.env[A]", "1", "2"),)),
    ]


def test_a_mount_is_named_by_its_target() -> None:
    base = Image("alpine")
    old = base.run("x", mounts=[cache("/c"), bind(Local("src"), "/src")])
    new = base.run("x", mounts=[bind(Local("src"), "/src", path="sub"), cache("/a"), cache("/c")])
    (step,) = between(old, new).changed
    assert [(field.path, field.old, field.new) for field in step.fields if not field.metadata] == [
        ("exec.mounts[/a].cacheOpt.ID", None, "/a"),
        ("exec.mounts[/a].dest", None, "/a"),
        ("exec.mounts[/a].mountType", None, "CACHE"),
        ("exec.mounts[/src].selector", None, "sub"),
    ]


def test_a_step_with_a_different_input_is_changed() -> None:
    first, second = Image("alpine").run("a"), Image("alpine").run("b")

    def both(source: State) -> State:
        both_copied = Scratch().copy(first, "/a", src="/a").copy(second, "/b", src="/b")
        return both_copied.copy(source, "/x", src="/x")

    (step,) = between(both(first), both(second)).changed
    assert step.fields == (FieldChange("input[source]", "#2: run a", "#4: run b"),)


def test_an_additional_merged_tree_is_a_field_of_the_merge() -> None:
    first, second, third = (Image("alpine").run(word) for word in ("one", "two", "three"))
    (step,) = between(merge([first, third]), merge([first, second, third])).changed
    assert step.fields == (FieldChange("input[1]", None, "#3: run two"),)


def test_variables_in_a_different_order_are_a_difference() -> None:
    base = Image("alpine")
    old, new = base.env("A", "1").env("B", "2"), base.env("B", "2").env("A", "1")
    (step,) = between(old.run("x"), new.run("x")).changed
    assert step.fields == (FieldChange("exec.meta.env", ("A=1", "B=2"), ("B=2", "A=1")),)


def test_the_content_of_a_file_is_compared_in_full() -> None:
    old, new = (Scratch().mkfile("/f", "x" * 200 + end) for end in "ab")
    (step,) = between(old, new).changed
    assert step.fields == (
        FieldChange("file.actions[0].mkfile.data", b"x" * 200 + b"a", b"x" * 200 + b"b"),
    )


COMMANDS = st.lists(st.sampled_from(["a", "b", "c d", "c e", "COPY", "MOUNT"]), max_size=8)


def program(commands: list[str]) -> Definition:
    state: State = Image("alpine")
    for command in commands:
        if command == "COPY":
            state = Image("busybox").copy(state, "/x")
        elif command == "MOUNT":
            state = state.run("m", mounts=[bind(Image("busybox").run("a"), "/m")])
        else:
            state = state.run(command)
    return plain(state)


@given(COMMANDS, COMMANDS)
def test_each_step_is_classified_once_and_kept_if_its_digest_is(
    before: list[str], after: list[str]
) -> None:
    old, new = program(before), program(after)
    comparison = compare(old, new)
    classified = [
        *(step.digest for step in comparison.added),
        *(step.new.digest for step in comparison.changed),
        *(step.new.digest for step in comparison.affected),
        *(step.digest for _, step in comparison.kept),
    ]
    steps = {vertex.digest for vertex in new.vertices()}
    assert len(classified) == len(set(classified))
    assert steps - set(classified) <= {new.vertices()[-1].digest}
    assert {step.digest for _, step in comparison.kept} == steps & {
        vertex.digest for vertex in old.vertices()
    }
    root_causes = {cause.at.digest for cause in comparison.root_causes()}
    assert {cause for step in comparison.affected for cause in step.causes} <= root_causes
    assert all(step.causes for step in comparison.affected)
    assert comparison.equal == (old.ops == new.ops)
    assert render(comparison).count("no differences") == comparison.equal
    assert explain(comparison).endswith("\n")


def test_metadata_of_a_step_does_not_affect_later_steps() -> None:
    comparison = between(app(), app(name="compile", ignore=True))
    assert labels(comparison) == {
        "changed": ["compile"],
        "added": [],
        "removed": [],
        "affected": [],
    }
    assert (comparison.changed[0].only_metadata, comparison.rebuilds, comparison.equal) == (
        True,
        False,
        False,
    )
    assert comparison.changed[0].fields == (
        FieldChange("name", None, "compile", metadata=True),
        FieldChange("ignore_cache", None, new=True, metadata=True),
    )


def test_stages_in_a_different_order_are_the_same() -> None:
    first, second = Image("alpine").run("one"), Image("alpine").run("two")
    old = Scratch().copy(first, "/1").copy(second, "/2")
    comparison = between(old, Scratch().copy(first.run("more"), "/1").copy(second, "/2"))
    assert labels(comparison) == {
        "changed": [],
        "added": ["run more"],
        "removed": [],
        "affected": ["copy / /1", "copy / /2"],
    }


def test_all_steps_are_added_to_an_empty_definition() -> None:
    comparison = compare(Definition(), plain(Image("alpine").run("x")))
    assert [step.number for step in comparison.added] == [1, 2, 3]
    assert compare(Definition(), Definition()).equal


def test_every_kind_of_operation_is_equal_to_itself() -> None:
    assert compare(every_kind(), every_kind()).equal


def test_unknown_fields_are_a_difference() -> None:
    plain_op = pb.Op(source=pb.SourceOp(identifier="git://x")).SerializeToString()
    extended_op = plain_op + b"\xa0\x06\x01"
    old, new = (
        Definition.from_bytes(message_of(op, result_of(op))) for op in (plain_op, extended_op)
    )
    (step,) = compare(old, new).changed
    assert [field.path for field in step.fields] == ["encoding"]


def test_causes_are_bounded_if_every_step_depends_on_every_other() -> None:
    def layered(prefix: str) -> Definition:
        ops = []
        below: bytes | None = None
        for number in range(200):
            leaf = pb.Op(source=pb.SourceOp(identifier=f"git://{prefix}/{number}"))
            ops.append(leaf.SerializeToString())
            inputs = [input_of(ops[-1])] + ([] if below is None else [input_of(below)])
            below = pb.Op(inputs=inputs, merge=pb.MergeOp()).SerializeToString()
            ops.append(below)
        assert below is not None
        return Definition.from_bytes(message_of(*ops, result_of(below)))

    comparison = compare(layered("a"), layered("b"))
    assert (len(comparison.changed), len(comparison.affected)) == (200, 200)
    assert max(len(step.causes) for step in comparison.affected) == 8


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("field", app(), app(make="make -j4")),
        ("base", app(), app(base="alpine:3.20", extra="strip /out/app")),
        ("removed", app(extra="strip /out/app"), app(name="compile", ignore=True)),
        ("variable", app(), app(env="2")),
        ("long", app(make="x" * 90 + "a" + "y" * 90), app(make="x" * 90 + "b" + "y" * 90)),
    ],
)
def test_a_comparison_is_rendered_and_explained(name: str, old: State, new: State) -> None:
    comparison = between(old, new)
    assert render(comparison) == (GOLDEN / f"diff_{name}.txt").read_text()
    assert explain(comparison) == (GOLDEN / f"explain_{name}.txt").read_text()


def test_steps_have_the_source_line_that_created_them() -> None:
    definition = every_kind()
    ops = list(definition.ops)
    changed = pb.Op.FromString(ops[0])
    changed.source.identifier = "docker-image://other"
    message = message_of(changed.SerializeToString(), result_of(changed.SerializeToString()))
    old = definition
    new = Definition.from_bytes(message)
    assert "- build.py:2-3: compile \\x1b[31m" in render(compare(old, new)).splitlines()
