"""An exported tree that a daemon makes large, deep or odd: it is written below its destination only.

Streams that break the protocol are in tests/unit/client/export/test_receive_tree.py.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb.fsutil_pb2 import Packet
from llb.client.export.destinations import FileReceiver, LocalReceiver
from llb.client.export.receive_tree import receive_tree
from llb.client.export.receivers import Receivers
from llb.errors import InputError, LLBError, RemoteError, TransportError, render
from llb.gocompat import filemode
from tests.attacks.limits import MIB, limited
from tests.fakes.call import BytesCall, FakeCall
from tests.fakes.stats import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from llb.grpc import ServerCall

STAT, DATA = Packet.PACKET_STAT, Packet.PACKET_DATA
END, DONE = Packet(type=STAT), Packet(type=Packet.PACKET_FIN)
FOLDER, LINK = filemode.DIRECTORY | 0o755, filemode.SYMLINK | 0o777
LARGEST = 2**63 - 1
FILES = 64


def entry(path: str, mode: int = 0o644, **fields: object) -> Packet:
    return Packet(type=STAT, stat=describe(path, mode, **fields))  # type: ignore[arg-type]


def data(number: int, content: bytes = b"") -> Packet:
    return Packet(type=DATA, ID=number, data=content)


def folders(depth: int, name: str = "d") -> Iterator[Packet]:
    path = name
    for _ in range(depth):
        yield entry(path, FOLDER)
        path += f"/{name}"


def failed(text: bytes) -> Packet:
    return Packet(type=Packet.PACKET_ERR, data=text)


REFUSED: dict[str, tuple[Callable[[], Iterable[Packet]], str]] = {
    "a path longer than the system allows": (
        lambda: folders(3000),
        "cannot write .*: File name too long",
    ),
    "a name longer than the system allows": (lambda: [entry("n" * 300)], "File name too long"),
    "a name of a megabyte": (lambda: [entry("n" * MIB)], "File name too long"),
    "a link target longer than the system allows": (
        lambda: [entry("a", LINK, linkname="x" * 5000)],
        "File name too long",
    ),
    "a link into the secret, and a file below it": (
        lambda: [entry("a", LINK, linkname="../secret"), entry("a/shadow", size=1)],
        "its directory did not come before it",
    ),
    "a folder that becomes a link": (
        lambda: [entry("a", FOLDER), entry("a", LINK, linkname="../secret")],
        "it is out of order",
    ),
    "a hard link through a link": (
        lambda: [entry("a", LINK, linkname="../secret"), entry("b", linkname="a/shadow")],
        "which does not exist",
    ),
    "a hard link to itself": (lambda: [entry("a", linkname="a")], "which does not exist"),
    "a hard link to a folder": (
        lambda: [entry("a", FOLDER), entry("b", linkname="a")],
        "which does not exist",
    ),
    "a petabyte that does not come": (
        lambda: [entry("a", size=2**50), END, data(0, b"x"), data(0)],
        "it ends 1125899906842623 bytes early",
    ),
    "content of a folder": (
        lambda: [entry("a", FOLDER), data(0, b"x")],
        "content of file 0, which was not requested",
    ),
    "content of the last number": (
        lambda: [entry("a", size=1), data(2**32 - 1, b"x")],
        "content of file 4294967295, which was not requested",
    ),
    "content after its end": (
        lambda: [entry("a", size=1), data(0, b"x"), data(0), data(0, b"y")],
        "content of file 0, which was not requested",
    ),
    "a packet of an unknown type": (lambda: [Packet.FromString(b"\x08\x63")], "unexpected packet"),
    "an error with control characters": (
        lambda: [failed(b"\x1b]0;title\x07\n\xff")],
        "the daemon aborted a transfer: ",
    ),
    "an error of a megabyte": (lambda: [failed(b"x" * MIB)], "the daemon aborted a transfer: x"),
    "a path with control characters": (
        lambda: [entry("\x1b[2J\n/a")],
        r"'\\x1b\[2J\\n/a' from the daemon: its directory",
    ),
    "more files at a time than can be open": (
        lambda: chain(
            (entry(f"{number:03}", size=2) for number in range(2 * FILES)),
            (data(number, b"x") for number in range(2 * FILES)),
        ),
        "Too many open files",
    ),
}
ACCEPTED: dict[str, Callable[[], Iterable[Packet]]] = {
    "a deep tree": lambda: [*folders(1500), END, DONE],
    "many folders": lambda: [*(entry(f"{n:05}", FOLDER) for n in range(3000)), END, DONE],
    "many links": lambda: [
        *(entry(f"{n:05}", LINK, linkname="/etc/passwd") for n in range(3000)),
        END,
        DONE,
    ],
    "many names of one file": lambda: [
        entry("a", 0o755),
        *(entry(f"b{n:05}", linkname="a") for n in range(3000)),
        END,
        DONE,
    ],
    "content byte by byte": lambda: [
        entry("a", size=20_000),
        END,
        *[data(0, b"x")] * 20_000,
        data(0),
        DONE,
    ],
    "thousands of attributes": lambda: [
        entry("a", xattrs={f"user.{n}": b"x" * 100 for n in range(5000)}),
        END,
        DONE,
    ],
    "an attribute of a megabyte": lambda: [entry("a", xattrs={"user.a": bytes(MIB)}), END, DONE],
    "attributes of the security modules": lambda: [
        entry("a", xattrs={"security.capability": b"\1", "trusted.overlay.opaque": b"y", "": b""}),
        END,
        DONE,
    ],
    "times at the ends of time": lambda: [
        entry("a", modTime=LARGEST),
        entry("b", FOLDER, modTime=-LARGEST - 1),
        entry("c", LINK, linkname="x", modTime=LARGEST),
        END,
        DONE,
    ],
    "owners that are ignored": lambda: [entry("a", uid=2**32 - 1, gid=7), END, DONE],
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """An empty folder next to a secret, which must not change."""
    folder, secret = tmp_path / "outer" / "root", tmp_path / "outer" / "secret"
    folder.mkdir(parents=True)
    secret.mkdir()
    (secret / "shadow").write_text("root:*")
    yield folder
    assert {path.name for path in folder.parent.iterdir()} == {"root", "secret"}
    assert (secret / "shadow").stat().st_nlink == 1
    assert (secret / "shadow").read_text() == "root:*"
    # pytest's own cleanup recurses once per level.
    subprocess.run(["rm", "-r", folder], check=True)


@contextmanager
def few_descriptors() -> Iterator[None]:
    """Allow so many open files that no tree can use up more, and check that none stays open."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + FILES, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208


def receive(root: Path, packets: Iterable[Packet]) -> None:
    receive_tree(cast("ServerCall", FakeCall(packets)), root, root)


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_tree_is_refused_within_limits(name: str, root: Path) -> None:
    packets, message = REFUSED[name]
    with (
        limited(),
        few_descriptors(),
        pytest.raises((TransportError, InputError), match=message) as caught,
    ):
        receive(root, packets())
    assert len(caught.value.message.splitlines()) == 1
    assert "\x1b" not in render(caught.value)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_strange_tree_is_written_within_limits(name: str, root: Path) -> None:
    packets = list(ACCEPTED[name]())
    with limited(), few_descriptors():
        receive(root, packets)
    assert (root.stat().st_mode & 0o777) == 0o755


def test_a_deep_tree_is_merged_and_discarded(tmp_path: Path) -> None:
    destination = tmp_path / "out"
    with limited():
        for _ in range(2):
            receiver = LocalReceiver(destination)
            receiver.receive(cast("ServerCall", FakeCall([*folders(1100), END, DONE])))
            receiver.commit({})
        receiver = LocalReceiver(destination, exact=True)
        receiver.receive(cast("ServerCall", FakeCall([*folders(1100, "e"), END, DONE])))
        receiver.commit({})
        assert [path.name for path in destination.iterdir()] == ["e"]
        receiver = LocalReceiver(tmp_path / "never")
        receiver.receive(cast("ServerCall", FakeCall([*folders(1100), END, DONE])))
        receiver.abort()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    subprocess.run(["rm", "-r", destination], check=True)


class Endless:
    """A call whose message never comes, until it is released."""

    def __init__(self) -> None:
        self.started, self.released = threading.Event(), threading.Event()

    def receive(self) -> None:
        self.started.set()
        self.released.wait()


def test_a_file_is_not_sent_twice_nor_at_the_same_time(tmp_path: Path) -> None:
    receivers = Receivers()
    receivers.add(0, FileReceiver(tmp_path / "out.tar"))
    first = Endless()
    thread = threading.Thread(target=lambda: receivers.receive(0, cast("ServerCall", first)))
    thread.start()
    first.started.wait()
    with pytest.raises(RemoteError, match="the daemon sent a second file"):
        receivers.receive(0, cast("ServerCall", BytesCall([])))
    first.released.set()
    thread.join()


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\xff", b"\x08"])
def test_a_stream_of_malformed_messages_is_refused(message: bytes, tmp_path: Path) -> None:
    receivers = Receivers()
    receivers.add(0, FileReceiver(tmp_path / "out.tar"))
    with pytest.raises(RemoteError, match="malformed message from the daemon"):
        receivers.receive(0, cast("ServerCall", BytesCall([message])))
    receivers.abort()
    with pytest.raises(LLBError):
        receivers.check_complete(0)
    assert list(tmp_path.iterdir()) == []
