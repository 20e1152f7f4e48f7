"""files() makes a tree of a mapping, the same one whatever the mapping's order."""

from __future__ import annotations

import pytest

from llb import Directory, File, Scratch, State, Symlink, files, mkdir, mkfile, symlink
from llb.errors import InvalidValueError


def ops_of(state: State) -> tuple[bytes, ...]:
    return state.marshal(platform="linux/amd64", source_map=False).ops


def test_a_tree_is_one_step_with_its_directories_first() -> None:
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


def test_no_files_are_the_empty_tree() -> None:
    assert files({}).output is None


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"../x": ""}, "invalid path '../x' in files(): expected one below the root of the tree"),
        ({"": ""}, "invalid path '' in files(): expected one below the root of the tree"),
        ({"/": ""}, "invalid path '/' in files(): expected one below the root of the tree"),
        ({"a": "1", "./a": "2"}, "the path /a is given twice in files()"),
        (
            {"a": "1", "a/b": "2"},
            "the path /a is given as a file in files(), and /a/b is below it",
        ),
        (
            {"a": 5},
            "invalid content of /a in files(): expected bytes, text, File, Directory or Symlink",
        ),
    ],
)
def test_trees_that_cannot_be_are_refused(tree: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        files(tree)
    assert caught.value.message == message
