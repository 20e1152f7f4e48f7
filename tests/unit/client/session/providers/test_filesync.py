"""A directory is sent as it is, and no more of a file than there was when its turn came."""

from __future__ import annotations

import os
import queue
import socket
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.session.providers.filesync import LocalDirs
from llb.errors import InputError, RemoteError
from llb.gocompat import filemode
from llb.grpc import Code
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import Channel, ClientCall, ServerCall


class Asking:
    """A daemon that asks for every file, one after the other; ``on_data`` sees what came.

    ``on_file`` sees the name of a file before it is asked for.
    """

    def __init__(
        self, on_data: Callable[[bytes], None], on_file: Callable[[str], None] = lambda _: None
    ) -> None:
        self.metadata = {"dir-name": ("tree",)}
        self.received: dict[int, bytes] = {}
        self._on_data = on_data
        self._on_file = on_file
        self._paths: list[str] = []
        # Numbers of files, and one that stands for the descriptions.
        self._missing = {-1}
        self._answers: queue.SimpleQueue[pb.Packet] = queue.SimpleQueue()

    def receive(self) -> bytes:
        return self._answers.get().SerializeToString()

    def send(self, message: bytes) -> None:
        packet = pb.Packet.FromString(message)
        if packet.HasField("stat"):
            self._paths.append(packet.stat.path)
            if not packet.stat.mode & filemode.TYPE:
                number = len(self._paths) - 1
                self._missing.add(number)
                self._on_file(packet.stat.path)
                self._answers.put(pb.Packet(type=pb.Packet.PACKET_REQ, ID=number))
        elif packet.type == pb.Packet.PACKET_ERR:
            self._answers.put(packet)
        elif packet.data:
            self.received[packet.ID] = self.received.get(packet.ID, b"") + packet.data
            self._on_data(packet.data)
        else:
            self._missing.discard(packet.ID if packet.type == pb.Packet.PACKET_DATA else -1)
            if not self._missing:
                self._answers.put(pb.Packet(type=pb.Packet.PACKET_FIN))

    def flush(self) -> None:
        """Everything was sent at once."""

    def files(self) -> dict[str, bytes]:
        """Return what came of each file that is not empty."""
        return {self._paths[number]: data for number, data in self.received.items()}


def sent(tree: Path, on_data: Callable[[bytes], None]) -> dict[str, bytes]:
    call = Asking(on_data)
    (handler,) = LocalDirs({"tree": tree}).handlers().values()
    handler(cast("ServerCall", call))
    return call.files()


@pytest.mark.feature("N5")
def test_a_file_that_grows_as_fast_as_it_is_read_comes_to_an_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 1_000_000)

    def grow(data: bytes) -> None:
        with log.open("ab") as file:
            file.write(data)

    assert sent(tmp_path, grow) == {"log": b"x" * 1_000_000}
    assert log.stat().st_size == 2_000_000


@pytest.mark.feature("N5")
def test_a_file_that_shrinks_is_sent_as_far_as_it_goes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 1_000_000)

    def shrink(data: bytes) -> None:
        with log.open("r+b") as file:
            file.truncate(len(data))

    assert sent(tmp_path, shrink) == {"log": b"x" * 256 * 1024}


@pytest.mark.feature("N5")
def test_a_file_without_a_size_is_sent_to_its_end() -> None:
    # What is in such files of the kernel is made while they are read.
    folder = Path("/proc/sys/kernel/random")
    assert (folder / "boot_id").stat().st_size == 0
    assert sent(folder, lambda _: None)["boot_id"] == (folder / "boot_id").read_bytes()


@pytest.mark.parametrize("path", ["a/shadow", "a/b/c/shadow"])
def test_a_directory_that_becomes_a_link_gives_no_file_behind_it(tmp_path: Path, path: str) -> None:
    (tmp_path / "tree" / path).parent.mkdir(parents=True)
    (tmp_path / "tree" / path).write_text("harmless")
    secret = tmp_path / "etc" / path.removeprefix("a/")
    secret.parent.mkdir(parents=True)
    secret.write_text("root:*")

    def replace(_: str) -> None:
        (tmp_path / "tree" / "a").rename(tmp_path / "moved")
        (tmp_path / "tree" / "a").symlink_to(tmp_path / "etc")

    call = Asking(lambda _: None, replace)
    service = LocalDirs({"tree": tmp_path / "tree"})
    (handler,) = service.handlers().values()
    with pytest.raises(RemoteError, match=r"cannot read .*shadow: Not a directory"):
        handler(cast("ServerCall", call))
    assert call.files() == {}


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
