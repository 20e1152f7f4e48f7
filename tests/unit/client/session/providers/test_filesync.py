"""A directory is sent as it is, and no more of a file than there was when its turn came."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.session.providers.filesync import LocalDirs
from llb.errors import RemoteError
from llb.gocompat import filemode

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import ServerCall


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
