"""Whatever tree a daemon sends, only its destination is written, and the transfer ends cleanly."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb._pb import fsutil_pb2 as pb
from llb.client.export.destinations import LocalReceiver
from llb.client.export.receive_tree import receive_tree
from llb.errors import InputError, LLBError, TransportError
from llb.gocompat import filemode
from tests.fakes.call import BytesCall, FakeCall
from tests.fakes.stats import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llb.grpc import ServerCall

# A placeholder for a directory next to the destination, which the packets point to.
SECRET = "SECRET"
END = pb.Packet(type=pb.Packet.PACKET_STAT)
DONE = pb.Packet(type=pb.Packet.PACKET_FIN)

parts = st.sampled_from(
    ["a", "b", "c", "link", "..", ".", "", " ", "a\n", "\x1b", "é", "x" * 300, "a\0", SECRET]
)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join) | st.text(max_size=4)
numbers = st.integers(0, 5) | st.integers(0, 2**32 - 1)
signed = st.integers(-1, 3) | st.integers(-(2**63), 2**63 - 1)
kinds = st.sampled_from(
    [
        *(
            0,
            filemode.DIRECTORY,
            filemode.SYMLINK,
            filemode.NAMED_PIPE,
            filemode.SOCKET,
            filemode.DEVICE,
        ),
        *(filemode.DEVICE | filemode.CHARACTER_DEVICE, filemode.DIRECTORY | filemode.SYMLINK),
    ]
)
stats = st.builds(
    describe,
    path=paths,
    mode=st.builds(int.__or__, kinds, st.sampled_from([0o644, 0o755, 0, 0o7777]))
    | st.integers(0, 2**32 - 1),
    size=signed,
    modTime=signed,
    linkname=st.just("") | paths,
    devmajor=signed,
    devminor=signed,
    xattrs=st.dictionaries(st.sampled_from(["user.a", "", "user.\0", "x"]), st.binary(max_size=3)),
)
packets = st.one_of(
    st.builds(pb.Packet, type=st.just(pb.Packet.PACKET_STAT), stat=stats),
    st.builds(
        pb.Packet, type=st.just(pb.Packet.PACKET_DATA), ID=numbers, data=st.binary(max_size=4)
    ),
    st.builds(
        pb.Packet,
        type=st.sampled_from([pb.Packet.PACKET_REQ, pb.Packet.PACKET_ERR]),
        ID=numbers,
        data=st.binary(max_size=4),
    ),
    st.sampled_from([END, DONE]),
)


def entry(path: str, mode: int, **fields: object) -> pb.Packet:
    stat = describe(path, mode, **fields)  # type: ignore[arg-type]
    return pb.Packet(type=pb.Packet.PACKET_STAT, stat=stat)


# A valid tree, into which other packets are inserted; most random streams end at once.
IN_ORDER = (
    entry("a", filemode.DIRECTORY | 0o755),
    entry("a/b", 0o644, size=2),
    entry("a/link", filemode.SYMLINK | 0o777, linkname=SECRET),
    entry("b", 0o600),
    entry("link", filemode.SYMLINK | 0o777, linkname=f"{SECRET}/kept"),
    entry("z", 0o644, linkname="a/b"),
    END,
    pb.Packet(type=pb.Packet.PACKET_DATA, ID=1, data=b"xy"),
    pb.Packet(type=pb.Packet.PACKET_DATA, ID=1),
    DONE,
)


@st.composite
def streams(draw: st.DrawFn) -> list[pb.Packet]:
    """Draw packets: a valid tree, with some packets dropped, reordered, or added."""
    sent = list(IN_ORDER)
    for _ in range(draw(st.integers(0, 4))):
        index = draw(st.integers(0, len(sent)))
        match draw(st.sampled_from(["add", "drop", "swap", "again"])):
            case "add":
                sent.insert(index, draw(packets))
            case "drop":
                del sent[index : index + 1]
            case "swap":
                sent[index:] = reversed(sent[index:])
            case "again":
                sent += sent[index : index + 2]
    return sent


@contextmanager
def guarded_directory() -> Iterator[Path]:
    """Create a directory with files that a transfer must not touch."""
    with tempfile.TemporaryDirectory(prefix="receiver-") as name:
        outer = Path(name)
        (outer / "secret").mkdir()
        (outer / "secret" / "kept").write_text("kept")
        (outer / "secret" / "kept").chmod(0o640)
        yield outer


def outside(outer: Path, destination: str) -> dict[str, object]:
    """Record all files below a directory, except those in ``destination``."""
    files: dict[str, object] = {}
    for folder, folders, names in os.walk(outer):
        if Path(folder) == outer:
            folders.remove(destination)
        for name in (*folders, *names):
            path = Path(folder, name)
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            key = str(path.relative_to(outer))
            files[key] = (status.st_mode, status.st_mtime_ns, status.st_nlink, content)
    return files


def aimed(packet: pb.Packet, outer: Path) -> pb.Packet:
    """Replace the placeholder in a packet by the directory that must not be touched."""
    copy = pb.Packet()
    copy.CopyFrom(packet)
    if packet.HasField("stat"):
        placeholder, secret = SECRET.encode(), os.fsencode(outer / "secret")
        copy.stat.path = packet.stat.path.replace(placeholder, secret)
        copy.stat.linkname = packet.stat.linkname.replace(placeholder, secret)
    return copy


def error_of(outer: Path, sent: Sequence[pb.Packet]) -> LLBError | None:
    """Receive a tree and return the error, if any."""
    try:
        call = FakeCall(aimed(packet, outer) for packet in sent)
        receive_tree(cast("ServerCall", call), outer / "root", outer / "out")
    except (TransportError, InputError) as error:
        return error
    return None


@pytest.mark.feature("Q1")
def test_the_tree_in_order_arrives() -> None:
    with guarded_directory() as outer:
        (outer / "root").mkdir()
        assert error_of(outer, IN_ORDER) is None
        names = sorted(
            str(path.relative_to(outer / "root")) for path in (outer / "root").rglob("*")
        )
        assert names == ["a", "a/b", "a/link", "b", "link", "z"]
        assert (outer / "root" / "z").read_bytes() == b"xy"


@pytest.mark.feature("Q1")
@given(streams() | st.lists(packets, max_size=8))
def test_no_packets_touch_what_is_outside(sent: list[pb.Packet]) -> None:
    with guarded_directory() as outer:
        (outer / "root").mkdir()
        before = outside(outer, "root")
        error = error_of(outer, sent)
        assert outside(outer, "root") == before
        if error is not None:
            assert error.message
            assert "\n" not in error.message
            assert str(outer / "root") not in error.message


@pytest.mark.feature("Q1")
@given(streams())
def test_no_tree_reaches_through_the_links_of_its_destination(sent: list[pb.Packet]) -> None:
    with guarded_directory() as outer:
        (outer / "out").mkdir()
        (outer / "out" / "a").symlink_to(outer / "secret")
        (outer / "out" / "b").symlink_to(outer / "secret" / "kept")
        before = outside(outer, "out")
        receiver = LocalReceiver(outer / "out")
        try:
            call = FakeCall(aimed(packet, outer) for packet in sent)
            receiver.receive(cast("ServerCall", call))
            receiver.commit({})
        except LLBError:
            pass
        finally:
            receiver.abort()
        assert outside(outer, "out") == before
        assert not list((outer / "out").glob(".llb-*"))


@st.composite
def broken(draw: st.DrawFn) -> list[bytes]:
    """Draw serialized packets, one of which is corrupted."""
    messages = [packet.SerializeToString() for packet in draw(streams())]
    if messages:
        index = draw(st.integers(0, len(messages) - 1))
        message = messages[index]
        cut = draw(st.integers(0, len(message)))
        messages[index] = message[:cut] + draw(st.binary(max_size=4)) + message[cut + 1 :]
    return messages


@pytest.mark.feature("Q1")
@given(broken() | st.lists(st.binary(max_size=20), max_size=4))
def test_bytes_that_are_not_packets_are_refused(sent: list[bytes]) -> None:
    with guarded_directory() as outer:
        (outer / "root").mkdir()
        before = outside(outer, "root")
        try:
            receive_tree(cast("ServerCall", BytesCall(sent)), outer / "root", outer / "out")
        except (TransportError, InputError) as error:
            assert error.message  # noqa: PT017 - either outcome is right
        assert outside(outer, "root") == before
