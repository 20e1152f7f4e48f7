"""A tree from a daemon is written as described, and never outside of its place."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.export.receive_tree import receive_tree
from llb.errors import InputError, TransportError
from llb.gocompat import filemode
from tests.fakes.call import FakeCall

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import ServerCall

STAT, REQ, DATA, FIN, ERR = (
    pb.Packet.PACKET_STAT,
    pb.Packet.PACKET_REQ,
    pb.Packet.PACKET_DATA,
    pb.Packet.PACKET_FIN,
    pb.Packet.PACKET_ERR,
)
END = pb.Packet(type=STAT)
DONE = pb.Packet(type=FIN)


def described(path: str, mode: int = 0o644, **fields: object) -> pb.Packet:
    return pb.Packet(type=STAT, stat=pb.Stat(path=path, mode=mode, **fields))  # type: ignore[arg-type]


def folder(path: str) -> pb.Packet:
    return described(path, filemode.DIRECTORY | 0o755)


def data(number: int, content: bytes = b"") -> pb.Packet:
    return pb.Packet(type=DATA, ID=number, data=content)


def receive(root: Path, *packets: pb.Packet) -> list[pb.Packet]:
    call = FakeCall(packets)
    receive_tree(cast("ServerCall", call), root, root)
    return call.sent


@pytest.mark.feature("N7")
def test_a_tree_is_written_as_it_is_described(tmp_path: Path) -> None:
    sent = receive(
        tmp_path,
        described("dir", filemode.DIRECTORY | filemode.STICKY | 0o750, modTime=10**18),
        described("dir/a", filemode.SETUID | 0o755, size=6, modTime=123456789),
        described("dir/b", 0o600, size=3),
        described("dir/empty", 0o444),
        described("dir/link", 0o755, linkname="dir/a"),
        described("dir/pipe", filemode.NAMED_PIPE | 0o622),
        described("dir/symlink", filemode.SYMLINK | 0o777, linkname="/anywhere", modTime=5),
        data(1, b"one"),
        data(2, b"xyz"),
        END,
        data(1, b"two"),
        data(2),
        data(1),
        DONE,
    )
    assert [(packet.type, packet.ID) for packet in sent] == [(REQ, 1), (REQ, 2), (FIN, 0)]
    assert (tmp_path / "dir" / "a").read_bytes() == b"onetwo"
    assert (tmp_path / "dir" / "b").read_bytes() == b"xyz"
    assert (tmp_path / "dir" / "empty").read_bytes() == b""
    assert (tmp_path / "dir" / "link").samefile(tmp_path / "dir" / "a")
    assert (tmp_path / "dir" / "symlink").readlink().as_posix() == "/anywhere"
    assert stat.S_ISFIFO((tmp_path / "dir" / "pipe").stat().st_mode)
    found = {path.name: path.lstat() for path in (tmp_path / "dir").iterdir()}
    assert oct(found["a"].st_mode) == oct(stat.S_IFREG | 0o4755)
    assert found["a"].st_mtime_ns == 123456789
    assert found["symlink"].st_mtime_ns == 5
    own = (tmp_path / "dir").stat()
    assert (oct(own.st_mode), own.st_mtime_ns) == (oct(stat.S_IFDIR | 0o1750), 10**18)


HOSTILE = {
    "absolute path": (described("/etc/x"),),
    "parent": (described("../x"),),
    "only parent": (described(".."),),
    "parent inside": (folder("a"), described("a/../../x")),
    "unclean": (described("a//b"),),
    "dot": (described("."),),
    "trailing slash": (described("a/"),),
    "empty": (described(""),),
    "nul": (described("a\0b"),),
    "out of order": (described("b"), described("a")),
    "twice": (described("a"), described("a")),
    "no directory": (described("a/b"),),
    "in a file": (described("a"), described("a/b")),
    "in a symlink": (described("a", filemode.SYMLINK, linkname="/etc"), described("a/b")),
    "link to nothing": (described("a", linkname="b"),),
    "link outside": (described("a", linkname="../../etc/passwd"),),
    "link to a symlink": (
        described("a", filemode.SYMLINK, linkname="/etc/passwd"),
        described("b", linkname="a"),
    ),
    "content that nobody wants": (data(7, b"x"),),
    "content of an empty file": (described("a"), data(0, b"x")),
    "too much": (described("a", size=2), data(0, b"xxx")),
    "too little": (described("a", size=2), data(0, b"x"), data(0)),
    "early end": (folder("a"),),
    "end without content": (described("a", size=2), END),
    "finished too soon": (described("a", size=2), DONE),
    "finished before the descriptions": (DONE,),
    "unknown kind": (described("a", 1 << 19),),
    "socket": (described("a", filemode.SOCKET | 0o644),),
    "device": (described("a", filemode.DEVICE | 0o666, devmajor=8),),
    "character device": (
        described("a", filemode.DEVICE | filemode.CHARACTER_DEVICE, devmajor=1, devminor=3),
    ),
    "two kinds": (described("a", filemode.DIRECTORY | filemode.SYMLINK, linkname="b"),),
    "negative size": (described("a", size=-1),),
    "link with a NUL": (described("a", filemode.SYMLINK, linkname="b\0"),),
    "link to no name": (described("a", filemode.SYMLINK),),
    "attribute with a NUL": (described("a", xattrs={"user.\0": b"x"}),),
    "after the last": (END, folder("a")),
    "request": (pb.Packet(type=REQ, ID=1),),
    "error": (pb.Packet(type=ERR, data=b"it broke"),),
}


@pytest.mark.feature("Q1")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_honest_daemon_sends_is_refused(name: str, tmp_path: Path) -> None:
    root = tmp_path / "inside" / "root"
    root.mkdir(parents=True)
    with pytest.raises(TransportError) as caught:
        receive(root, *HOSTILE[name])
    assert caught.value.message
    assert [path.name for path in tmp_path.rglob("*") if root not in path.parents] == [
        "inside",
        "root",
    ]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match=f"cannot write {tmp_path}/taken: File exists"):
        receive(tmp_path, folder("taken"))
