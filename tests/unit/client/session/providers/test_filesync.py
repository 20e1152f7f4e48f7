"""Local directories are sent as they are, and files only up to their initial size."""

from __future__ import annotations

import os
import queue
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.session.providers import filesync
from llb.client.session.providers.filesync import LocalDirs
from llb.errors import InputError, RemoteError
from llb.gocompat import filemode
from llb.grpc import Code
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import Channel, ClientCall, ServerCall


class RequestingDaemon:
    """A daemon that requests every file, one after the other; ``on_data`` receives the contents.

    ``on_file`` receives the name of a file before it is requested.
    """

    def __init__(
        self, on_data: Callable[[bytes], None], on_file: Callable[[str], None] = lambda _: None
    ) -> None:
        self.metadata = {"dir-name": ("tree",)}
        self.received: dict[int, bytes] = {}
        self._on_data = on_data
        self._on_file = on_file
        self._paths: list[str] = []
        # The numbers of files, and -1 for the descriptions.
        self._missing = {-1}
        self._answers: queue.SimpleQueue[pb.Packet] = queue.SimpleQueue()

    def receive(self) -> bytes:
        return self._answers.get().SerializeToString()

    def send(self, message: bytes) -> None:
        packet = pb.Packet.FromString(message)
        if packet.HasField("stat"):
            path = os.fsdecode(packet.stat.path)
            self._paths.append(path)
            if not packet.stat.mode & filemode.TYPE:
                number = len(self._paths) - 1
                self._missing.add(number)
                self._on_file(path)
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
        """Do nothing: messages are delivered at once."""

    def files(self) -> dict[str, bytes]:
        """Map the files that are not empty to their contents."""
        return {self._paths[number]: data for number, data in self.received.items()}


def sent(tree: Path, on_data: Callable[[bytes], None]) -> dict[str, bytes]:
    call = RequestingDaemon(on_data)
    (handler,) = LocalDirs({"tree": tree}).handlers().values()
    handler(cast("ServerCall", call))
    return call.files()


@pytest.mark.feature("N5")
def test_a_growing_file_is_sent_up_to_its_initial_size(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 1_000_000)

    def grow(data: bytes) -> None:
        with log.open("ab") as file:
            file.write(data)

    assert sent(tmp_path, grow) == {"log": b"x" * 1_000_000}
    assert log.stat().st_size == 2_000_000


@pytest.mark.feature("N5")
def test_a_shrinking_file_is_sent_up_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 1_000_000)

    def shrink(data: bytes) -> None:
        with log.open("r+b") as file:
            file.truncate(len(data))

    assert sent(tmp_path, shrink) == {"log": b"x" * 256 * 1024}


@pytest.mark.feature("N5")
def test_a_file_without_a_size_is_sent_to_its_end() -> None:
    # The kernel generates the content of these files when they are read.
    folder = Path("/proc/sys/kernel/random")
    assert (folder / "boot_id").stat().st_size == 0
    assert sent(folder, lambda _: None)["boot_id"] == (folder / "boot_id").read_bytes()


@pytest.mark.parametrize("path", ["a/shadow", "a/b/c/shadow"])
def test_a_directory_that_becomes_a_link_is_not_followed(tmp_path: Path, path: str) -> None:
    (tmp_path / "tree" / path).parent.mkdir(parents=True)
    (tmp_path / "tree" / path).write_text("harmless")
    secret = tmp_path / "etc" / path.removeprefix("a/")
    secret.parent.mkdir(parents=True)
    secret.write_text("root:*")

    def replace(_: str) -> None:
        (tmp_path / "tree" / "a").rename(tmp_path / "moved")
        (tmp_path / "tree" / "a").symlink_to(tmp_path / "etc")

    call = RequestingDaemon(lambda _: None, replace)
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


def read_descriptions(call: ClientCall) -> dict[str, pb.Stat]:
    """Read the descriptions of all files, by path."""
    descriptions = {}
    while (packet := receive(call)).HasField("stat"):
        descriptions[os.fsdecode(packet.stat.path)] = packet.stat
    assert packet == pb.Packet(type=pb.Packet.PACKET_STAT)
    return descriptions


def refused(call: ClientCall) -> RemoteError:
    """Read the transfer to its end, and return the error of the client."""

    def read_all() -> None:
        while call.receive() is not None:
            pass

    with pytest.raises(RemoteError) as caught:
        read_all()
    return caught.value


def test_files_are_described_with_size_and_link_target(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "hard").hardlink_to(tmp_path / "file")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        descriptions = read_descriptions(call)
        send(call, type=pb.Packet.PACKET_FIN)
        assert receive(call).type == pb.Packet.PACKET_FIN
        assert call.receive() is None
    assert list(descriptions) == ["file", "folder", "hard", "link", "pipe"]
    assert {
        path: (stat.size, stat.linkname) for path, stat in descriptions.items() if stat.linkname
    } == {
        "hard": (5, b"file"),
        "link": (7, b"nowhere"),
    }


def test_a_vanished_file_is_sent_empty(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("1")
    (tmp_path / "socket").write_text("2")
    with (
        offered(LocalDirs({"tree": tmp_path})) as channel,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        call = begin(channel)
        read_descriptions(call)
        for path in tmp_path.iterdir():
            path.unlink()
        listener.bind(str(tmp_path / "socket"))
        for number in range(2):
            send(call, type=pb.Packet.PACKET_REQ, ID=number)
            assert receive(call) == pb.Packet(type=pb.Packet.PACKET_DATA, ID=number)
        call.cancel()


def test_an_unreadable_file_ends_the_transfer_on_both_sides(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    service = LocalDirs({"tree": tmp_path})
    with offered(service) as channel:
        call = begin(channel)
        read_descriptions(call)
        (tmp_path / "file").unlink()
        (tmp_path / "file").symlink_to("file")
        send(call, type=pb.Packet.PACKET_REQ, ID=0)
        packet = receive(call)
        reason = f"cannot read {tmp_path}/file: Too many levels of symbolic links"
        assert (packet.type, packet.data.decode()) == (pb.Packet.PACKET_ERR, reason)
        # The daemon may end the build as soon as it knows, with an echo of this reason.
        assert [str(failure) for failure in service.failures] == [reason]
        send(call, type=pb.Packet.PACKET_ERR, data=b"theirs")
        assert refused(call).message == reason
    assert [str(failure) for failure in service.failures] == [reason]


def test_an_unexpected_exception_is_recorded_before_the_daemon_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> NoReturn:
        raise ZeroDivisionError(descriptor)

    monkeypatch.setattr(filesync, "_content", fail)
    (tmp_path / "file").write_text("1")
    service = LocalDirs({"tree": tmp_path})
    with offered(service) as channel:
        call = begin(channel)
        read_descriptions(call)
        send(call, type=pb.Packet.PACKET_REQ, ID=0)
        assert receive(call).data.startswith(b"ZeroDivisionError(")
        assert [type(failure) for failure in service.failures] == [ZeroDivisionError]
        call.cancel()


def test_names_need_not_be_utf8(tmp_path: Path) -> None:
    names = [os.fsdecode(name) for name in (b"\xee\x80\x80", b"\xff")]
    for name in names:
        (tmp_path / name).symlink_to(name)
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        descriptions = read_descriptions(call)
        send(call, type=pb.Packet.PACKET_FIN)
    assert [(path, os.fsdecode(stat.linkname)) for path, stat in descriptions.items()] == [
        (name, name) for name in names
    ]


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        ({"type": pb.Packet.PACKET_REQ, "ID": 7}, "file 7 cannot be requested"),
        ({"type": pb.Packet.PACKET_DATA}, "the daemon sent an unexpected packet"),
        (b"\xff", "the request is not a valid Packet"),
        (
            {"type": pb.Packet.PACKET_ERR, "data": b"disk full"},
            "the daemon aborted a transfer: disk full",
        ),
    ],
)
def test_an_abort_or_a_protocol_error_ends_the_transfer(
    tmp_path: Path, packet: dict[str, object] | bytes, message: str
) -> None:
    (tmp_path / "file").write_text("1")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        read_descriptions(call)
        if isinstance(packet, bytes):
            call.send(packet)
            call.flush()
        else:
            send(call, **packet)
        assert refused(call).message == message


def test_a_file_can_be_requested_only_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel)
        read_descriptions(call)
        for _ in range(2):
            send(call, type=pb.Packet.PACKET_REQ, ID=0)
        assert refused(call).message == "file 0 cannot be requested"


def test_an_error_about_a_name_that_is_not_utf8_reaches_both_sides(tmp_path: Path) -> None:
    service = LocalDirs({"tree": tmp_path})
    with offered(service) as channel:
        call = begin(channel, exclude_patterns="%FF%5B", exclude_patterns_encoded="1")
        assert receive(call).data.startswith(b"invalid pattern ")
        call.cancel()
    (tmp_path / os.fsdecode(b"\xff")).write_text("1")
    with offered(service) as channel:
        call = begin(channel)
        read_descriptions(call)
        (tmp_path / os.fsdecode(b"\xff")).unlink()
        (tmp_path / os.fsdecode(b"\xff")).symlink_to("file")
        send(call, type=pb.Packet.PACKET_REQ, ID=0)
        assert receive(call).data.startswith(b"cannot read ")
        call.cancel()


def test_patterns_may_be_encoded(tmp_path: Path) -> None:
    for name in ("ä b", "ä+c", "other"):
        (tmp_path / name).write_text("1")
    with offered(LocalDirs({"tree": tmp_path})) as channel:
        call = begin(channel, include_patterns="%C3%A4+*", include_patterns_encoded="1")
        assert list(read_descriptions(call)) == ["ä b"]
        call.cancel()


def test_an_unknown_directory_is_not_found(tmp_path: Path) -> None:
    with offered(LocalDirs({"treee": tmp_path})) as channel:
        error = refused(begin(channel))
    assert (error.code, error.message) == (
        Code.NOT_FOUND,
        "the build asks for the local directory 'tree', and those given are treee",
    )


def test_a_path_that_is_not_a_directory_is_refused_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    for name, problem in (("file", "is not a directory"), ("none", "does not exist")):
        with pytest.raises(InputError) as caught:
            LocalDirs({"tree": tmp_path / name})
        assert caught.value.message == (
            f"cannot use {tmp_path}/{name} as the local directory 'tree': it {problem}"
        )
