"""File contents move from definitions to downloads, and the rest of a definition stays."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from llb import Definition, Directory, File, Image, Scratch, Symlink, copy, files, mkdir, mkfile, rm
from llb._pb import ops_pb2
from llb.definition.file_contents import move_contents
from llb.errors import InvalidDefinitionError
from llb.protobuf import digest_of

if TYPE_CHECKING:
    from llb import State
    from llb.sources.inline_files import Content

LARGE = b"large" * 20_000
TIME = datetime(2020, 1, 2, 3, 4, 5, 678, UTC)
GRADLE = 318_211_200


def operations(definition: Definition) -> list[ops_pb2.Op]:
    return [ops_pb2.Op.FromString(data) for data in definition.ops]


def moved_actions(state: State) -> tuple[list[str], list[ops_pb2.FileAction]]:
    """Move contents; return the digests of the last file operation's inputs, and its actions."""
    moved = move_contents(state.marshal())
    op = operations(moved.definition)[-2]
    assert Definition.from_bytes(moved.definition.to_bytes()) == moved.definition
    return [source.digest for source in op.inputs], list(op.file.actions)


def test_a_tree_becomes_an_archive() -> None:
    state = files(
        {
            "b": LARGE,
            "d": Directory(0o711, owner="5:6"),
            "d/é": File("x", mode=0o600, owner="7"),
            "l": Symlink("d/é"),
            "t": File(b"", owner=None),
        },
        name="the tree",
    )
    original = state.marshal()
    moved = move_contents(original)
    ((name, content),) = moved.contents.items()
    source, tree, last = operations(moved.definition)
    assert digest_of(content) == f"sha256:{name}"
    assert source.source.identifier == f"http://buildkit-session/{name}"
    assert dict(source.source.attrs) == {
        "http.checksum": f"sha256:{name}",
        "http.filename": "content",
    }
    (action,) = tree.file.actions
    assert (action.input, action.secondaryInput, action.output) == (-1, 0, 0)
    assert (action.copy.src, action.copy.dest) == ("/content", "/")
    assert action.copy.attemptUnpackDockerCompatibility
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        entries = [
            (entry.name, entry.type, entry.mode, entry.uid, entry.gid, entry.size, entry.linkname)
            for entry in archive
        ]
        assert {entry.mtime for entry in archive.getmembers()} == {GRADLE}
    assert entries == [
        ("b", tarfile.REGTYPE, 0o644, 0, 0, len(LARGE), ""),
        ("d", tarfile.DIRTYPE, 0o711, 5, 6, 0, ""),
        ("d/é", tarfile.REGTYPE, 0o600, 7, 7, 1, ""),
        ("l", tarfile.SYMTYPE, 0o644, 0, 0, 0, "d/é"),
        ("t", tarfile.REGTYPE, 0o644, 0, 0, 0, ""),
    ]
    digests = [digest_of(data) for data in moved.definition.ops]
    assert last.inputs[0].digest == digests[1]
    assert moved.definition.locations == {digests[1]: original.vertices()[0].locations}
    labels = [vertex.name for vertex in moved.definition.vertices()]
    assert labels == [f"[upload] 5 files in memory, {len(content):,} bytes", "the tree", None]
    assert moved.definition.metadata[digests[0]].caps == {"source.http", "source.http.checksum"}


def test_equal_trees_have_equal_uploads() -> None:
    trees: list[dict[str, Content]] = [{"a": LARGE, "b": "1"}, {"b": "1", "a": LARGE}]
    moved = [move_contents(files(tree, created=TIME).marshal()) for tree in trees]
    assert moved[0].contents == moved[1].contents
    assert moved[0].definition.ops == moved[1].definition.ops
    (content,) = moved[0].contents.values()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        times = {entry.pax_headers["mtime"] for entry in archive}
    assert times == {f"{TIME:%s}.000678000"}


def test_a_file_on_another_tree_becomes_a_copy() -> None:
    state = Image("alpine").file(
        mkdir("/a", owner="app"),
        mkfile("/a/large", LARGE, mode=0o4750, owner="app:1", created=TIME),
        mkfile("/a/small", "x"),
        copy(Scratch().mkdir("/c"), "/c"),
        mkfile("/a/again", LARGE),
        rm("/a/small"),
    )
    inputs, actions = moved_actions(state)
    assert len(inputs) == 3
    numbers = [(action.input, action.secondaryInput, action.output) for action in actions]
    assert numbers == [
        (0, -1, -1),
        (3, 2, -1),
        (4, -1, -1),
        (5, 1, -1),
        (6, 2, -1),
        (7, -1, 0),
    ]
    large, again = actions[1].copy, actions[4].copy
    assert (large.src, large.dest, large.mode) == ("/content", "/a/large", 0o750)
    assert large.timestamp == int(TIME.timestamp()) * 10**9 + 678_000
    assert (large.owner.user.byName.name, large.owner.group.byID) == ("app", 1)
    assert (again.timestamp, again.HasField("owner")) == (GRADLE * 10**9, False)
    assert actions[2].mkfile.data == b"x"


def test_owners_that_are_looked_up_in_a_result_keep_it() -> None:
    definition = Image("alpine").file(mkdir("/d"), mkfile("/a", LARGE, owner="app")).marshal()
    _, op, _ = operations(definition)
    # Other clients look names up in the result of an action.
    op.file.actions[1].mkfile.owner.user.byName.input = 1
    data = op.SerializeToString(deterministic=True)
    last = ops_pb2.Op(inputs=[ops_pb2.Input(digest=digest_of(data))]).SerializeToString()
    other = Definition((definition.ops[0], data, last))
    moved = operations(move_contents(other).definition)[-2]
    assert moved.file.actions[1].copy.owner.user.byName.input == 2


@pytest.mark.parametrize(
    "state",
    [
        files({"a": File(LARGE, owner="app")}),
        Scratch().file(mkdir("/a", parents=True), mkfile("/a", LARGE)),
        Scratch().file(mkdir("/a"), rm("/a"), mkfile("/a", LARGE)),
        Scratch().file(mkfile("/none/a", LARGE)),
        Scratch().file(mkfile("/a", LARGE), mkfile("/a", "x")),
    ],
    ids=["owner", "same path", "removed", "no parent", "written twice"],
)
def test_only_a_plain_tree_becomes_an_archive(state: State) -> None:
    _, actions = moved_actions(state)
    assert not any(action.copy.attemptUnpackDockerCompatibility for action in actions)


def test_other_operations_keep_their_bytes() -> None:
    small = Image("alpine").run("true").mkfile("/a", "x")
    definition = small.copy(files({"b": LARGE}), "/").run("make", name="made").marshal()
    moved = move_contents(definition).definition
    assert set(small.marshal().ops[:-1]) <= set(moved.ops)
    made = {vertex.name: vertex for vertex in moved.vertices()}["made"]
    assert made.locations == definition.vertices()[-2].locations
    assert made.op == definition.vertices()[-2].op


def test_a_definition_without_large_files_is_unchanged() -> None:
    definition = Image("alpine").file(mkfile("/a", "x")).run("true").marshal()
    moved = move_contents(definition)
    assert (moved.definition, moved.contents) == (definition, {})


def test_operations_may_come_before_their_inputs() -> None:
    definition = files({"a": LARGE}).run("1").run("2").marshal()
    *ops, last = definition.ops
    backwards = Definition((*reversed(ops), last), definition.metadata)
    moved = move_contents(backwards).definition
    assert moved.ops == move_contents(definition).definition.ops


def test_a_missing_input_is_an_error() -> None:
    definition = files({"a": LARGE}).run("1").marshal()
    with pytest.raises(InvalidDefinitionError, match="an operation has an input that is not in"):
        move_contents(Definition(definition.ops[1:]))
