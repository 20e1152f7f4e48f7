"""A tree from a daemon is written as entry, and never outside the destination."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.export.receive_tree import receive_tree
from llb.errors import InputError, TransportError
from llb.gocompat import filemode
from tests.fakes.call import FakeCall
from tests.fakes.stats import describe

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


def entry(path: str, mode: int = 0o644, **fields: object) -> pb.Packet:
    return pb.Packet(type=STAT, stat=describe(path, mode, **fields))  # type: ignore[arg-type]


def folder(path: str) -> pb.Packet:
    return entry(path, filemode.DIRECTORY | 0o755)


def data(number: int, content: bytes = b"") -> pb.Packet:
    return pb.Packet(type=DATA, ID=number, data=content)


def receive(root: Path, *packets: pb.Packet) -> list[pb.Packet]:
    call = FakeCall(packets)
    receive_tree(cast("ServerCall", call), root, root)
    return call.sent


@pytest.mark.feature("N7")
def test_a_tree_is_written_as_described(tmp_path: Path) -> None:
    sent = receive(
        tmp_path,
        entry("dir", filemode.DIRECTORY | filemode.STICKY | 0o750, modTime=10**18),
        entry("dir/a", filemode.SETUID | 0o755, size=6, modTime=123456789),
        entry("dir/b", 0o600, size=3),
        entry("dir/empty", 0o444),
        entry("dir/link", 0o755, linkname="dir/a"),
        entry("dir/pipe", filemode.NAMED_PIPE | 0o622),
        entry("dir/symlink", filemode.SYMLINK | 0o777, linkname="/anywhere", modTime=5),
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
    files = {path.name: path.lstat() for path in (tmp_path / "dir").iterdir()}
    assert oct(files["a"].st_mode) == oct(stat.S_IFREG | 0o4755)
    assert files["a"].st_mtime_ns == 123456789
    assert files["symlink"].st_mtime_ns == 5
    directory = (tmp_path / "dir").stat()
    assert (oct(directory.st_mode), directory.st_mtime_ns) == (oct(stat.S_IFDIR | 0o1750), 10**18)


HOSTILE = {
    "absolute path": (entry("/etc/x"),),
    "parent": (entry("../x"),),
    "only parent": (entry(".."),),
    "parent inside": (folder("a"), entry("a/../../x")),
    "unclean": (entry("a//b"),),
    "dot": (entry("."),),
    "trailing slash": (entry("a/"),),
    "empty": (entry(""),),
    "nul": (entry("a\0b"),),
    "out of order": (entry("b"), entry("a")),
    "twice": (entry("a"), entry("a")),
    "no directory": (entry("a/b"),),
    "in a file": (entry("a"), entry("a/b")),
    "in a symlink": (entry("a", filemode.SYMLINK, linkname="/etc"), entry("a/b")),
    "link to nothing": (entry("a", linkname="b"),),
    "link outside": (entry("a", linkname="../../etc/passwd"),),
    "link to a symlink": (
        entry("a", filemode.SYMLINK, linkname="/etc/passwd"),
        entry("b", linkname="a"),
    ),
    "content that was not requested": (data(7, b"x"),),
    "content of an empty file": (entry("a"), data(0, b"x")),
    "too much": (entry("a", size=2), data(0, b"xxx")),
    "too little": (entry("a", size=2), data(0, b"x"), data(0)),
    "early end": (folder("a"),),
    "end without content": (entry("a", size=2), END),
    "finished too soon": (entry("a", size=2), DONE),
    "finished before the descriptions": (DONE,),
    "unknown kind": (entry("a", 1 << 19),),
    "socket": (entry("a", filemode.SOCKET | 0o644),),
    "device": (entry("a", filemode.DEVICE | 0o666, devmajor=8),),
    "character device": (
        entry("a", filemode.DEVICE | filemode.CHARACTER_DEVICE, devmajor=1, devminor=3),
    ),
    "two kinds": (entry("a", filemode.DIRECTORY | filemode.SYMLINK, linkname="b"),),
    "negative size": (entry("a", size=-1),),
    "link with a NUL": (entry("a", filemode.SYMLINK, linkname="b\0"),),
    "link to no name": (entry("a", filemode.SYMLINK),),
    "attribute with a NUL": (entry("a", xattrs={"user.\0": b"x"}),),
    "after the end of the list": (END, folder("a")),
    "request": (pb.Packet(type=REQ, ID=1),),
    "error": (pb.Packet(type=ERR, data=b"it broke"),),
}


@pytest.mark.feature("Q1")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tree_is_refused(name: str, tmp_path: Path) -> None:
    root = tmp_path / "inside" / "root"
    root.mkdir(parents=True)
    with pytest.raises(TransportError) as caught:
        receive(root, *HOSTILE[name])
    assert caught.value.message
    assert [path.name for path in tmp_path.rglob("*") if root not in path.parents] == [
        "inside",
        "root",
    ]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match=f"cannot write {tmp_path}/taken: File exists"):
        receive(tmp_path, folder("taken"))
