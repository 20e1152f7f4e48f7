"""Transfers that break at any message leave nothing, and writers of one destination do not mix.

Real daemons that are killed are in tests/e2e/test_transfer_faults.py.
"""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import content_pb2, filesync_pb2
from llb._pb.fsutil_pb2 import Packet
from llb.client.export.content_store import Store
from llb.client.export.destinations import FileReceiver, LocalReceiver
from llb.client.export.oci_layout import Layout
from llb.client.export.outputs import CacheOutput
from llb.client.export.receivers import Receivers
from llb.client.session.providers.content import Content
from llb.errors import LLBError, TransportError
from llb.gocompat import filemode
from tests.attacks.limits import limited
from tests.fakes.call import BytesCall
from tests.fakes.stats import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from llb.client.export.receivers import Receiver
    from llb.grpc import ServerCall

WRITERS = 8
SIZE = 200_000
STORE = {"buildkit-attachable-store-id": ("local:cache",)}
WRITE = "/containerd.services.content.v1.Content/Write"


class BrokenCall(BytesCall):
    """A call whose connection breaks after some messages."""

    metadata = STORE

    def receive(self) -> bytes:
        message = super().receive()
        if message is None:
            raise TransportError("connection was closed by the peer")
        return message


def tree(content: bytes) -> list[bytes]:
    """Encode the packets of a tree with two files of this content."""

    def entry(path: str, mode: int = 0o644, size: int = 0) -> Packet:
        return Packet(type=Packet.PACKET_STAT, stat=describe(path, mode, size=size))

    packets = [
        entry("a", filemode.DIRECTORY | 0o755),
        entry("a/b", size=len(content)),
        entry("c", size=len(content)),
        Packet(type=Packet.PACKET_STAT),
        *(Packet(type=Packet.PACKET_DATA, ID=number, data=content) for number in (1, 2)),
        *(Packet(type=Packet.PACKET_DATA, ID=number) for number in (1, 2)),
        Packet(type=Packet.PACKET_FIN),
    ]
    return [packet.SerializeToString() for packet in packets]


def archive(content: bytes) -> list[bytes]:
    """Encode an archive in ten messages."""
    step = len(content) // 10
    parts = (content[start : start + step] for start in range(0, len(content), step))
    return [filesync_pb2.BytesMessage(data=part).SerializeToString() for part in parts]


def blob(content: bytes) -> list[bytes]:
    """Encode the messages that write a blob."""
    digest = digest_of(content)
    requests = [
        content_pb2.WriteContentRequest(action=content_pb2.STAT, ref=digest, expected=digest),
        content_pb2.WriteContentRequest(action=content_pb2.WRITE, data=content),
        content_pb2.WriteContentRequest(
            action=content_pb2.COMMIT, offset=len(content), expected=digest
        ),
    ]
    return [request.SerializeToString() for request in requests]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


KINDS: dict[str, tuple[Callable[[Path], Receiver], Callable[[bytes], list[bytes]]]] = {
    "tree": (lambda folder: LocalReceiver(folder / "out"), tree),
    "exact tree": (lambda folder: LocalReceiver(folder / "out", exact=True), tree),
    "archive": (lambda folder: FileReceiver(folder / "out.tar"), archive),
}
CUTS = [(kind, cut) for kind, (_, encode) in KINDS.items() for cut in range(len(encode(b"x" * 99)))]


@pytest.mark.parametrize(("kind", "cut"), CUTS)
@pytest.mark.parametrize("is_again", [False, True], ids=["new", "over an old result"])
def test_a_transfer_that_breaks_leaves_what_was_there(
    kind: str, cut: int, tmp_path: Path, *, is_again: bool
) -> None:
    create, encode = KINDS[kind]
    if is_again:
        receiver = create(tmp_path)
        receiver.receive(cast("ServerCall", BytesCall(encode(b"old" * 33))))
        receiver.commit({})
    before = files(tmp_path)
    receivers = Receivers()
    receivers.add(0, create(tmp_path))
    with limited():
        with pytest.raises(LLBError, match="connection was closed by the peer"):
            receivers.receive(0, cast("ServerCall", BrokenCall(encode(b"x" * 99)[:cut])))
        with pytest.raises(LLBError):
            receivers.check_complete(0)
        receivers.abort()
    assert files(tmp_path) == before
    assert bool(list(tmp_path.iterdir())) == is_again


@pytest.mark.parametrize("cut", range(3))
def test_a_blob_that_breaks_is_not_kept(cut: int, tmp_path: Path) -> None:
    store = Store(Layout(tmp_path / "layout"), writable=True)
    handler = Content({"local:cache": store}).handlers()[WRITE]
    with pytest.raises(LLBError):
        handler(cast("ServerCall", BrokenCall(blob(b"content")[:cut])))
    store.close()
    assert list(tmp_path.iterdir()) == []


def in_threads(works: Sequence[Callable[[], None]]) -> None:
    """Run functions at the same time; raises the first of their exceptions."""
    start, failures = threading.Barrier(len(works)), list[Exception]()

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("kind", ["tree", "archive"])
def test_writers_of_one_destination_do_not_mix(kind: str, attempt: int, tmp_path: Path) -> None:
    create, encode = KINDS[kind]
    contents = [bytes([65 + number]) * SIZE for number in range(WRITERS)]

    def write(content: bytes) -> None:
        receiver = create(tmp_path)
        receiver.receive(cast("ServerCall", BytesCall(encode(content))))
        receiver.commit({})
        receiver.abort()

    with limited():
        in_threads([lambda content=content: write(content) for content in contents])  # type: ignore[misc]
    names = ["out/a/b", "out/c"] if kind == "tree" else ["out.tar"]
    written = files(tmp_path)
    assert sorted(written) == names
    assert all(content in contents for content in written.values())


@pytest.mark.parametrize("attempt", range(3))
def test_writers_of_one_layout_keep_the_entries_of_all(attempt: int, tmp_path: Path) -> None:
    def write(number: int) -> None:
        content = f"blob {number}".encode()
        store = Store(Layout(tmp_path / "layout"), writable=True)
        call = BrokenCall(blob(content))
        Content({"local:cache": store}).handlers()[WRITE](cast("ServerCall", call))
        descriptor = {"mediaType": "x", "digest": digest_of(content), "size": len(content)}
        output = CacheOutput(store, f"tag{number}")
        output.commit({"cache.manifest": json.dumps(descriptor)})
        output.abort()

    with limited():
        in_threads([lambda number=number: write(number) for number in range(WRITERS)])  # type: ignore[misc]
    layout = Layout(tmp_path / "layout")
    found = [layout.find(f"tag{number}") for number in range(WRITERS)]
    assert [entry and layout.blob(str(entry["digest"])).read_bytes() for entry in found] == [
        f"blob {number}".encode() for number in range(WRITERS)
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["layout"]
