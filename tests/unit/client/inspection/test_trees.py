"""Trees are read through a client, here of a fake daemon."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image, Local, Scratch, files
from llb.client import Client, local
from llb.errors import InputError, InvalidValueError, MissingFileError, SolveError
from llb.testing.failures import Failed
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.testing.daemon import FakeDaemon

MADE = Image("alpine").workdir("/out").run("make")
FAILED = Image("alpine").run("fail")
LARGE = bytes(range(256)) * (20 * 2**20 // 256)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the timeouts of client and daemon, so that a busy machine does not fail tests."""
    for name in ("_STATUS_SECONDS", "_SILENT_SECONDS", "_SESSION_SECONDS"):
        monkeypatch.setattr(f"llb.client.builds.build_run.{name}", SECONDS)
    monkeypatch.setattr("llb.testing.daemon._SECONDS", SECONDS)


@pytest.fixture
def daemon(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    made = {"out/site.html": "<html>", "out/latin": b"caf\xe9", "etc/name": "made"}
    return fake_daemon(outputs={"run make": made, "run fail": Failed(3)})


@pytest.fixture
def client(daemon: FakeDaemon) -> Iterator[Client]:
    with Client(daemon.address) as client:
        yield client


def test_a_file_is_read_from_the_working_directory(client: Client) -> None:
    assert client.read_file(MADE, "site.html") == b"<html>"
    assert client.read_file(MADE, "../etc/name") == b"made"
    assert client.read_file(MADE, PurePosixPath("/out/site.html")) == b"<html>"
    assert client.read_file(MADE.marshal(), "out/site.html") == b"<html>"


def test_a_part_of_a_file_is_read(client: Client) -> None:
    assert client.read_file(MADE, "site.html", offset=1, length=4) == b"html"
    assert client.read_file(MADE, "site.html", offset=2) == b"tml>"


def test_a_file_is_read_as_text(client: Client) -> None:
    assert client.read_text(MADE, "site.html") == "<html>"
    assert client.read_text(MADE, "latin", encoding="latin-1") == "café"
    with pytest.raises(InputError) as caught:
        client.read_text(MADE, "latin")
    assert str(caught.value) == (
        "cannot decode latin as utf-8: unexpected end of data at byte 3 "
        "(read it with read_file(), or pass its encoding)"
    )
    with pytest.raises(InvalidValueError, match=r"^invalid encoding 'utf-9': expected a codec's"):
        client.read_text(MADE, "site.html", encoding="utf-9")


def test_a_directory_is_listed_and_a_file_described(client: Client) -> None:
    assert [entry.path for entry in client.list_dir(MADE)] == ["etc", "out"]
    assert [entry.path for entry in client.list_dir(MADE, ".", pattern="*.html")] == ["site.html"]
    status = client.stat(MADE, "site.html")
    assert (status.size, status.is_file, status.is_dir, status.is_symlink) == (
        6,
        True,
        False,
        False,
    )


def test_local_directories_are_those_of_the_build(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    assert client.read_file(Local("src"), "a", local_dirs={"src": tmp_path}) == b"1"
    with pytest.raises(InputError, match="asks for the local directory 'src'"):
        client.read_file(Local("src"), "a")


def test_a_tree_larger_than_a_message_is_read(client: Client, daemon: FakeDaemon) -> None:
    tree = files({"large": LARGE, "d/small": "1"})
    assert client.read_file(tree, "large") == LARGE
    assert client.read_file(Image("alpine").copy(tree, "/x/").run("make"), "/etc/name") == b"made"
    assert client.read_file(Scratch().mkdir("/d").mkfile("/d/a", LARGE), "/d/a") == LARGE
    definitions = [build.definitions[""] for build in daemon.builds]
    assert all(sum(map(len, definition.ops)) < 10_000 for definition in definitions)


@pytest.mark.parametrize("verb", ["read", "list", "stat"])
def test_a_missing_file_is_named(client: Client, verb: str) -> None:
    looks: dict[str, Callable[..., object]] = {
        "read": client.read_file,
        "list": client.list_dir,
        "stat": client.stat,
    }
    look = looks[verb]
    with pytest.raises(MissingFileError) as caught:
        look(MADE, "none")
    assert str(caught.value) == f"cannot {verb} /out/none: no such file in the tree"
    assert caught.value.path == "/out/none"


def test_other_errors_of_reading_name_the_path(client: Client) -> None:
    with pytest.raises(InputError) as caught:
        client.read_file(MADE, "/out")
    assert str(caught.value) == "cannot read /out: it is not a regular file"
    with pytest.raises(InputError) as caught:
        client.list_dir(MADE, "site.html")
    assert str(caught.value) == "cannot list /out/site.html: not a directory"


def test_a_tree_that_does_not_build_is_a_solve_error(client: Client) -> None:
    with pytest.raises(SolveError) as caught:
        client.read_file(FAILED, "a")
    assert caught.value.exit_code == 3


WRONG: dict[str, dict[str, Any]] = {
    "invalid tree 'alpine': expected a State or a Definition": {"tree": "alpine"},
    "invalid path '': expected a path in the tree": {"path": ""},
    "invalid path b'a': expected a string or a path in the tree": {"path": b"a"},
    "invalid path 'a\\x00': expected a string without NUL": {"path": "a\0"},
    "invalid offset -1: expected 0 or more bytes": {"offset": -1},
    "invalid length 0: expected 1 or more bytes, or None": {"length": 0},
    "invalid platform: a definition has one in each step": {
        "tree": MADE.marshal(),
        "platform": "linux/amd64",
    },
    "invalid option exports: nothing is exported": {"exports": [local("out")]},
    "invalid option find_exports: nothing is exported": {"find_exports": lambda _: []},
    "invalid option cache_to: nothing is exported": {"cache_to": ["type=inline"]},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_values_are_refused(client: Client, daemon: FakeDaemon, message: str) -> None:
    arguments = {"tree": MADE, "path": "a", **WRONG[message]}
    with pytest.raises(InvalidValueError) as caught:
        client.read_file(**arguments)
    assert caught.value.message == message
    assert daemon.builds == ()


def test_an_empty_pattern_is_refused(client: Client) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid pattern ''"):
        client.list_dir(MADE, pattern="")
