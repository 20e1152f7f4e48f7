"""files() turns a mapping into a tree, independent of the mapping's order."""

from __future__ import annotations

import pytest

from llb import Directory, File, Scratch, State, Symlink, files, mkdir, mkfile, symlink
from llb.errors import InvalidValueError


def ops_of(state: State) -> tuple[bytes, ...]:
    return state.marshal(platform="linux/amd64", source_map=False).ops


def test_a_tree_is_one_step_that_creates_directories_first() -> None:
    tree = files(
        {
            "etc/app/app.conf": "port = 80",
            "bin/app": File(b"\x7fELF", mode=0o755, owner="1:2"),
            "/bin/latest": Symlink("app"),
            "var/empty": Directory(mode=0o700),
        }
    )
    assert ops_of(tree) == ops_of(
        Scratch().file(
            mkdir("/bin"),
            mkfile("/bin/app", b"\x7fELF", mode=0o755, owner="1:2"),
            symlink("app", "/bin/latest"),
            mkdir("/etc"),
            mkdir("/etc/app"),
            mkfile("/etc/app/app.conf", "port = 80"),
            mkdir("/var"),
            mkdir("/var/empty", mode=0o700),
        )
    )


def test_the_order_of_the_mapping_does_not_matter() -> None:
    assert ops_of(files({"b": "2", "a/c": "1"})) == ops_of(files({"a/c": "1", "b": "2"}))


def test_an_empty_mapping_is_the_empty_tree() -> None:
    assert files({}).output is None


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            {"../x": ""},
            "invalid path '../x' in files(): expected a path below the root of the tree",
        ),
        ({"": ""}, "invalid path '' in files(): expected a path below the root of the tree"),
        ({"/": ""}, "invalid path '/' in files(): expected a path below the root of the tree"),
        ({"a": "1", "./a": "2"}, "duplicate path /a in files()"),
        (
            {"a": "1", "a/b": "2"},
            "path /a in files() is a file, but /a/b is below it",
        ),
        (
            {"a": 5},
            "invalid tree['a'] 5: expected bytes, a string, a File, a Directory or a Symlink",
        ),
    ],
)
def test_invalid_trees_are_refused(tree: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        files(tree)
    assert caught.value.message == message
