"""A daemon that asks for files outside of the directories that a build offers gets none."""

from __future__ import annotations

import os
import queue
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb.fsutil_pb2 import Packet
from llb.client.session.providers.filesync import LocalDirs
from llb.errors import RemoteError
from tests.attacks.limits import limited

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from llb.grpc import ServerCall

SECRET = "root:*"
ALL = ["a", "a/b", "a/c", "in", "link", "pipe"]
Selection = dict[str, tuple[str, ...]]


class Daemon:
    """A daemon that reads all descriptions, then sends its requests, and ends the transfer."""

    def __init__(self, metadata: Selection, requests: Sequence[Packet] = ()) -> None:
        self.metadata = {"dir-name": ("tree",), **metadata}
        self.paths: list[str] = []
        self.content = b""
        self._requests = [*requests, Packet(type=Packet.PACKET_FIN)]
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def receive(self) -> bytes:
        return self._answers.get()

    def send(self, message: bytes) -> None:
        packet = Packet.FromString(message)
        if packet.HasField("stat"):
            self.paths.append(os.fsdecode(packet.stat.path))
        elif packet.type in (Packet.PACKET_STAT, Packet.PACKET_ERR):
            for request in self._requests:
                self._answers.put(request.SerializeToString())
        self.content += packet.data

    def flush(self) -> None:
        """Do nothing: messages are delivered at once."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with links out of it, next to a secret."""
    root, secret = tmp_path / "tree", tmp_path / "secret"
    (root / "a").mkdir(parents=True)
    secret.mkdir()
    (secret / "shadow").write_text(SECRET)
    for name in ("a/b", "a/c"):
        (root / name).write_text(name)
    (root / "link").symlink_to(secret)
    (root / "in").symlink_to("../secret/shadow")
    os.mkfifo(root / "pipe")
    return root


def serve(tree: Path, daemon: Daemon) -> LocalDirs:
    service = LocalDirs({"tree": tree})
    (handler,) = service.handlers().values()
    handler(cast("ServerCall", daemon))
    return service


@pytest.mark.parametrize(
    "name",
    [
        *(
            "/",
            "/etc",
            "..",
            ".",
            "tree/..",
            "tree/../secret",
            "tree/",
            "TREE",
            "tree\0",
            "",
            "tre",
        ),
        *("t\u0072ee ", "%74ree", "\x1b[2J", "x" * 100_000),
    ],
)
def test_a_directory_that_is_not_offered_is_refused(name: str, tree: Path) -> None:
    daemon = Daemon({"dir-name": (name,)})
    with limited(), pytest.raises(RemoteError, match="the build asks for the local directory"):
        serve(tree, daemon)
    assert daemon.paths == []


SELECTIONS: dict[str, tuple[Selection, list[str]]] = {
    "an absolute path": ({"include-patterns": ("/etc/shadow",)}, []),
    "a path above": ({"include-patterns": ("../secret/shadow",)}, []),
    "a path above, from below": ({"include-patterns": ("a/../../secret/shadow",)}, []),
    "all paths above": ({"include-patterns": ("../**",)}, []),
    "a path through a link": ({"include-patterns": ("link/shadow",)}, []),
    "all paths through a link": ({"include-patterns": ("link/**",)}, []),
    "everything, with the links themselves": ({"include-patterns": ("**",)}, ALL),
    "an encoded path above": (
        {"include-patterns": ("%2e%2e/secret",), "include-patterns-encoded": ("1",)},
        [],
    ),
    "a NUL": ({"include-patterns": ("a\0", "\0", "a/b\0c")}, []),
    "a followed absolute path": ({"followpaths": ("/etc/shadow",)}, []),
    "a followed path above": ({"followpaths": ("../secret/shadow",)}, []),
    "a followed path above, from below": ({"followpaths": ("a/../../secret",)}, []),
    "a followed link out": ({"followpaths": ("link/shadow",)}, ["link"]),
    "a followed link to a file out": ({"followpaths": ("in",)}, ["in"]),
    "followed links by wildcards": ({"followpaths": ("*/*",)}, ALL),
    "a followed NUL": ({"followpaths": ("a\0/b", "\0")}, []),
    "everything but what is excluded": ({"exclude-patterns": ("a", "pipe")}, ["in", "link"]),
    "an exclusion above": ({"exclude-patterns": ("**", "!../secret/**")}, []),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_no_pattern_selects_what_is_outside(name: str, tree: Path) -> None:
    selection, expected = SELECTIONS[name]
    daemon = Daemon(selection)
    with limited():
        service = serve(tree, daemon)
    # Parents of selected files come with them.
    assert sorted(daemon.paths) == expected
    assert (daemon.content, service.failures) == (b"", [])


@pytest.mark.parametrize("number", [0, 3, 4, 5, 6, 2**32 - 1])
def test_only_the_content_of_listed_files_is_sent(number: int, tree: Path) -> None:
    """The numbers are those of a folder, two links, a pipe, and of nothing."""
    daemon = Daemon({}, [Packet(type=Packet.PACKET_REQ, ID=number)])
    with limited(), pytest.raises(RemoteError, match=f"file {number} cannot be requested"):
        serve(tree, daemon)
    assert daemon.content == b""


def test_an_excluded_file_has_no_number(tree: Path) -> None:
    daemon = Daemon(
        {"exclude-patterns": ("a/c",)}, [Packet(type=Packet.PACKET_REQ, ID=n) for n in (1, 2)]
    )
    with pytest.raises(RemoteError, match="file 2 cannot be requested"):
        serve(tree, daemon)
    assert daemon.paths == ["a", "a/b", "in", "link", "pipe"]
    assert b"a/c" not in daemon.content


FLOODS: dict[str, Selection] = {
    "thousands of patterns": {
        "exclude-patterns": tuple(f"**/x{number}/*" for number in range(4_000))
    },
    "patterns that cancel each other": {"exclude-patterns": ("*", "!*") * 5_000},
    "wildcards that backtrack": {"exclude-patterns": ("*a" * 200 + "b",) * 5},
    "stars across directories": {"exclude-patterns": ("**/*/" * 100 + "b",) * 100},
    "followed paths": {"followpaths": tuple(f"a/b{number}" for number in range(12_000))},
    "followed links by wildcards": {"followpaths": ("*/" * 500 + "*",) * 100},
    "a path of thousands of parts": {"include-patterns": ("a/" * 50_000, "!" + "b/" * 50_000)},
    "deep prefixes": {"include-patterns": ("x/" * 500,) * 200},
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_patterns_ends_within_limits(name: str, tree: Path) -> None:
    (tree / ("a" * 250)).write_text("")
    with limited(memory=128 * 2**20):
        serve(tree, Daemon(FLOODS[name]))


@pytest.mark.parametrize(
    "pattern", ["?{0,999}" * 20 + "b", "[", "*{5,2}", "*{1001}", "[[:x:]]", "\\"]
)
def test_an_impossible_pattern_is_refused(pattern: str, tree: Path) -> None:
    with limited(), pytest.raises(RemoteError, match="invalid pattern"):
        serve(tree, Daemon({"exclude-patterns": (pattern,)}))
