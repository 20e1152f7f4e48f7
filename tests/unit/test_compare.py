"""Two definitions compared: the step that changed, the field, the line, and what follows."""

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
    """Return a build in two stages, in which one thing or another is changed."""
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
        "changed": [each.new.label for each in comparison.changed],
        "added": [each.label for each in comparison.added],
        "removed": [each.label for each in comparison.removed],
        "affected": [each.new.label for each in comparison.affected],
    }


def test_equal_definitions_have_no_differences() -> None:
    found = between(app(), app())
    assert (found.equal, found.rebuilds, render(found)) == (True, False, "no differences\n")


def test_the_mark_of_a_build_is_no_difference() -> None:
    found = between(app(mark="one"), app(mark="two"))
    assert (found.equal, found.rebuilds, render(found)) == (True, False, "no differences\n")
    assert [new.label for _, new in found.marked] == ["local://context"]


def test_a_line_that_moved_is_no_difference() -> None:
    here = Image("alpine").run("x").marshal(platform="linux/amd64")
    there = Image("alpine").run("x").marshal(platform="linux/amd64")
    assert here != there
    assert compare(here, there).equal


def test_a_change_of_an_early_step_changes_no_later_one() -> None:
    found = between(app(), app(packages="git make"))
    assert labels(found) == {
        "changed": ["tools"],
        "added": [],
        "removed": [],
        "affected": ["copy / /src", "run make -j2", "copy /out/app /app", "run /app --check"],
    }
    assert found.changed[0].fields == (
        FieldChange(
            "exec.meta.args",
            ("/bin/sh", "-c", "apk add git"),
            ("/bin/sh", "-c", "apk add git make"),
        ),
    )
    assert {each.causes for each in found.affected} == {(found.changed[0].new.digest,)}


def test_another_base_is_a_changed_source() -> None:
    found = between(app(), app(base="alpine:3.20"))
    assert labels(found)["changed"] == ["docker-image://docker.io/library/alpine:3.20"]
    assert len(found.affected) == 5


def test_a_step_put_in_between_is_added_and_the_rest_follows() -> None:
    assert labels(between(app(), app(extra="strip /out/app"))) == {
        "changed": [],
        "added": ["run strip /out/app"],
        "removed": [],
        "affected": ["copy /out/app /app", "run /app --check"],
    }


def test_a_step_taken_out_is_removed_and_the_rest_follows() -> None:
    found = between(app(extra="strip /out/app"), app())
    assert labels(found) == {
        "changed": [],
        "added": [],
        "removed": ["run strip /out/app"],
        "affected": ["copy /out/app /app", "run /app --check"],
    }
    assert {each.causes for each in found.affected} == {(found.removed[0].digest,)}


def test_a_wholly_different_command_between_equal_neighbours_is_the_same_step() -> None:
    assert labels(between(app(), app(make="ninja all")))["changed"] == ["run ninja all"]


def test_a_step_of_another_kind_is_another_step() -> None:
    base = Image("alpine")
    found = between(base.run("a").run("z"), base.mkdir("/a").run("z"))
    assert labels(found) == {
        "changed": [],
        "added": ["mkdir /a"],
        "removed": ["run a"],
        "affected": ["run z"],
    }


def test_an_insertion_among_equal_commands_changes_none() -> None:
    base = Image("alpine")
    found = between(base.run("a").run("a").run("z"), base.run("a").run("a").run("a").run("z"))
    assert labels(found) == {
        "changed": [],
        "added": ["run a"],
        "removed": [],
        "affected": ["run z"],
    }


def test_a_variable_is_named_in_every_step_that_has_it() -> None:
    found = between(app(), app(env="2"))
    assert [(each.new.label, each.fields) for each in found.changed] == [
        ("tools", (FieldChange("exec.meta.env[A]", "1", "2"),)),
        ("run make -j2", (FieldChange("exec.meta.env[A]", "1", "2"),)),
    ]


def test_a_mount_is_named_by_its_target() -> None:
    base = Image("alpine")
    old = base.run("x", mounts=[cache("/c"), bind(Local("src"), "/src")])
    new = base.run("x", mounts=[bind(Local("src"), "/src", path="sub"), cache("/a"), cache("/c")])
    (step,) = between(old, new).changed
    assert [(each.path, each.old, each.new) for each in step.fields if not each.metadata] == [
        ("exec.mounts[/a].cacheOpt.ID", None, "/a"),
        ("exec.mounts[/a].dest", None, "/a"),
        ("exec.mounts[/a].mountType", None, "CACHE"),
        ("exec.mounts[/src].selector", None, "sub"),
    ]


def test_a_step_that_takes_another_step_is_changed() -> None:
    base, other = Image("alpine").run("a"), Image("alpine").run("b")

    def both(source: State) -> State:
        kept = Scratch().copy(base, "/a", src="/a").copy(other, "/b", src="/b")
        return kept.copy(source, "/x", src="/x")

    (step,) = between(both(base), both(other)).changed
    assert step.fields == (FieldChange("input[source]", "#2: run a", "#4: run b"),)


def test_a_tree_that_is_merged_as_well_is_a_field_of_the_merge() -> None:
    one, two, three = (Image("alpine").run(word) for word in ("one", "two", "three"))
    (step,) = between(merge([one, three]), merge([one, two, three])).changed
    assert step.fields == (FieldChange("input[1]", None, "#3: run two"),)


def test_variables_in_another_order_are_a_difference() -> None:
    base = Image("alpine")
    old, new = base.env("A", "1").env("B", "2"), base.env("B", "2").env("A", "1")
    (step,) = between(old.run("x"), new.run("x")).changed
    assert step.fields == (FieldChange("exec.meta.env", ("A=1", "B=2"), ("B=2", "A=1")),)


def test_the_content_of_a_file_is_compared_whole() -> None:
    old, new = (Scratch().mkfile("/f", "x" * 200 + end) for end in "ab")
    (step,) = between(old, new).changed
    assert step.fields == (
        FieldChange("file.actions[0].mkfile.data", b"x" * 200 + b"a", b"x" * 200 + b"b"),
    )


COMMANDS = st.lists(st.sampled_from(["a", "b", "c d", "c e", "COPY", "MOUNT"]), max_size=8)


def program(commands: list[str]) -> Definition:
    state: State = Image("alpine")
    for each in commands:
        if each == "COPY":
            state = Image("busybox").copy(state, "/x")
        elif each == "MOUNT":
            state = state.run("m", mounts=[bind(Image("busybox").run("a"), "/m")])
        else:
            state = state.run(each)
    return plain(state)


@given(COMMANDS, COMMANDS)
def test_each_step_is_in_one_place_and_kept_where_its_digest_is(
    before: list[str], after: list[str]
) -> None:
    old, new = program(before), program(after)
    found = compare(old, new)
    sorted_in = [
        *(each.digest for each in found.added),
        *(each.new.digest for each in found.changed),
        *(each.new.digest for each in found.affected),
        *(each.digest for _, each in found.kept),
    ]
    steps = {each.digest for each in new.vertices()}
    assert len(sorted_in) == len(set(sorted_in))
    assert steps - set(sorted_in) <= {new.vertices()[-1].digest}
    assert {each.digest for _, each in found.kept} == steps & {
        each.digest for each in old.vertices()
    }
    known = {each.at.digest for each in found.root_causes()}
    assert {cause for each in found.affected for cause in each.causes} <= known
    assert all(each.causes for each in found.affected)
    assert found.equal == (old.ops == new.ops)
    assert render(found).count("no differences") == found.equal
    assert explain(found).endswith("\n")


def test_what_is_only_said_about_a_step_changes_nothing_after_it() -> None:
    found = between(app(), app(name="compile", ignore=True))
    assert labels(found) == {"changed": ["compile"], "added": [], "removed": [], "affected": []}
    assert (found.changed[0].only_metadata, found.rebuilds, found.equal) == (True, False, False)
    assert found.changed[0].fields == (
        FieldChange("name", None, "compile", metadata=True),
        FieldChange("ignore_cache", None, new=True, metadata=True),
    )


def test_stages_in_another_order_are_the_same() -> None:
    one, two = Image("alpine").run("one"), Image("alpine").run("two")
    old = Scratch().copy(one, "/1").copy(two, "/2")
    found = between(old, Scratch().copy(one.run("more"), "/1").copy(two, "/2"))
    assert labels(found) == {
        "changed": [],
        "added": ["run more"],
        "removed": [],
        "affected": ["copy / /1", "copy / /2"],
    }


def test_nothing_and_something_differ_by_all_steps() -> None:
    found = compare(Definition(), plain(Image("alpine").run("x")))
    assert [each.number for each in found.added] == [1, 2, 3]
    assert compare(Definition(), Definition()).equal


def test_a_definition_is_equal_to_itself_whatever_is_in_it() -> None:
    assert compare(every_kind(), every_kind()).equal


def test_unknown_fields_are_a_difference() -> None:
    plain_op = pb.Op(source=pb.SourceOp(identifier="git://x")).SerializeToString()
    other = plain_op + b"\xa0\x06\x01"
    old, new = (
        Definition.from_bytes(message_of(each, result_of(each))) for each in (plain_op, other)
    )
    (step,) = compare(old, new).changed
    assert [each.path for each in step.fields] == ["encoding"]


def test_causes_are_bounded_where_everything_depends_on_everything() -> None:
    def layered(text: str) -> Definition:
        ops = []
        below: bytes | None = None
        for number in range(200):
            leaf = pb.Op(source=pb.SourceOp(identifier=f"git://{text}/{number}"))
            ops.append(leaf.SerializeToString())
            inputs = [input_of(ops[-1])] + ([] if below is None else [input_of(below)])
            below = pb.Op(inputs=inputs, merge=pb.MergeOp()).SerializeToString()
            ops.append(below)
        assert below is not None
        return Definition.from_bytes(message_of(*ops, result_of(below)))

    found = compare(layered("a"), layered("b"))
    assert (len(found.changed), len(found.affected)) == (200, 200)
    assert max(len(each.causes) for each in found.affected) == 8


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
def test_a_comparison_is_read_as_text(name: str, old: State, new: State) -> None:
    found = between(old, new)
    assert render(found) == (GOLDEN / f"diff_{name}.txt").read_text()
    assert explain(found) == (GOLDEN / f"explain_{name}.txt").read_text()


def test_steps_are_at_the_line_that_made_them() -> None:
    definition = every_kind()
    ops = list(definition.ops)
    changed = pb.Op.FromString(ops[0])
    changed.source.identifier = "docker-image://other"
    message = message_of(changed.SerializeToString(), result_of(changed.SerializeToString()))
    old = definition
    new = Definition.from_bytes(message)
    assert "- build.py:2-3: compile \\x1b[31m" in render(compare(old, new)).splitlines()
