"""A directory of the client is sent as it is asked for, and what goes wrong is told on both ends."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.providers.filesync import LocalDirs
from llb.errors import InputError, RemoteError
from llb.tunnel import Code
from tests.fakes.session import offered

if TYPE_CHECKING:
    from pathlib import Path

    from llb.tunnel import Channel, ClientCall

METHOD = "/moby.filesync.v1.FileSync/DiffCopy"


def begin(channel: Channel, **metadata: str) -> ClientCall:
    headers = [(key.replace("_", "-"), value) for key, value in metadata.items()]
    return channel.stream(METHOD, metadata=[("dir-name", "tree"), *headers], timeout=30)


def receive(call: ClientCall) -> pb.Packet:
    message = call.receive()
    assert message is not None
    return pb.Packet.FromString(message)


def send(call: ClientCall, **packet: object) -> None:
    call.send(pb.Packet(**packet).SerializeToString())  # type: ignore[arg-type]
    call.flush()


def described(call: ClientCall) -> dict[str, pb.Stat]:
    """Return the descriptions of all files, by their paths."""
    found = {}
    while (packet := receive(call)).HasField("stat"):
        found[packet.stat.path] = packet.stat
    assert packet == pb.Packet(type=pb.Packet.PACKET_STAT)
    return found


def refused(call: ClientCall) -> RemoteError:
    """Return the error with which the client ends a transfer."""

    def read_all() -> None:
        while call.receive() is not None:
            pass

    with pytest.raises(RemoteError) as caught:
        read_all()
    return caught.value


def test_files_are_described_with_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "hard").hardlink_to(tmp_path / "file")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        found = described(call)
        send(call, type=pb.Packet.PACKET_FIN)
        assert receive(call).type == pb.Packet.PACKET_FIN
        assert call.receive() is None
    assert list(found) == ["file", "folder", "hard", "link", "pipe"]
    assert {path: (stat.size, stat.linkname) for path, stat in found.items() if stat.linkname} == {
        "hard": (5, "file"),
        "link": (7, "nowhere"),
    }


def test_what_has_no_content_any_more_is_sent_empty(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("1")
    (tmp_path / "socket").write_text("2")
    with offered(LocalDirs({"tree": tmp_path})) as channel, socket.socket(socket.AF_UNIX) as other:
        call = begin(channel)
        described(call)
        for path in tmp_path.iterdir():
            path.unlink()
        other.bind(str(tmp_path / "socket"))
        for number in range(2):
            send(call, type=pb.Packet.PACKET_REQ, ID=number)
            assert receive(call) == pb.Packet(type=pb.Packet.PACKET_DATA, ID=number)
        call.cancel()


def test_a_file_that_cannot_be_read_ends_the_transfer_on_both_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    service = LocalDirs({"tree": tmp_path})
    with offered(service) as channel:
        call = begin(channel)
        described(call)
        (tmp_path / "file").unlink()
        (tmp_path / "file").symlink_to("file")
        send(call, type=pb.Packet.PACKET_REQ, ID=0)
        packet = receive(call)
        reason = f"cannot read {tmp_path}/file: Too many levels of symbolic links"
        assert (packet.type, packet.data.decode()) == (pb.Packet.PACKET_ERR, reason)
        # A daemon gives up in its turn.
        send(call, type=pb.Packet.PACKET_ERR, data=b"theirs")
        assert refused(call).message == reason
    assert [str(failure) for failure in service.failures] == [reason]


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff")).write_text("1")
    service = LocalDirs({"tree": tmp_path})
    with offered(service) as channel:
        call = begin(channel)
        packet = receive(call)
        reason = r"cannot send the file b'\xff': its name is not UTF-8"
        assert (packet.type, packet.data.decode()) == (pb.Packet.PACKET_ERR, reason)
        call.close_send()
        assert refused(call).message == reason
    assert [str(failure) for failure in service.failures] == [reason]


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        ({"type": pb.Packet.PACKET_REQ, "ID": 7}, "file 7 cannot be asked for"),
        ({"type": pb.Packet.PACKET_DATA}, "the daemon sent an unexpected packet"),
        (
            {"type": pb.Packet.PACKET_ERR, "data": b"disk full"},
            "the daemon gave up a transfer: disk full",
        ),
    ],
)
def test_a_daemon_that_breaks_off_or_the_protocol_ends_the_transfer(
    tmp_path: Path, packet: dict[str, object], message: str
) -> None:
    (tmp_path / "file").write_text("1")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        described(call)
        send(call, **packet)
        assert refused(call).message == message


def test_a_file_is_asked_for_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        described(call)
        for _ in range(2):
            send(call, type=pb.Packet.PACKET_REQ, ID=0)
        assert refused(call).message == "file 0 cannot be asked for"


def test_patterns_may_be_encoded(tmp_path: Path) -> None:
    for name in ("ä b", "ä+c", "other"):
        (tmp_path / name).write_text("1")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel, include_patterns="%C3%A4+*", include_patterns_encoded="1")
        assert list(described(call)) == ["ä b"]
        call.cancel()


def test_an_unknown_directory_is_not_found(tmp_path: Path) -> None:
    with offered(LocalDirs({"treee": tmp_path})) as channel:
        error = refused(begin(channel))
    assert (error.code, error.message) == (
        Code.NOT_FOUND,
        "the build asks for the local directory 'tree', and those given are treee",
    )


def test_a_path_that_is_no_directory_is_refused_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    for name, problem in (("file", "is not a directory"), ("none", "does not exist")):
        with pytest.raises(InputError) as caught:
            LocalDirs({"tree": tmp_path / name})
        assert caught.value.message == (
            f"cannot use {tmp_path}/{name} as the local directory 'tree': it {problem}"
        )
