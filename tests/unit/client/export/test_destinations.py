"""Destinations of exports: a directory for several trees, and a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import filesync_pb2
from llb._pb import fsutil_pb2 as pb
from llb.client.export.destinations import FileReceiver, LocalReceiver
from llb.errors import TransportError
from llb.gocompat import filemode
from tests.fakes.call import FakeCall, MessageCall
from tests.fakes.stats import describe

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import ServerCall


def tree(*names: str) -> ServerCall:
    """Build a call that sends directories."""
    descriptions = [
        pb.Packet(
            type=pb.Packet.PACKET_STAT,
            stat=describe(name, filemode.DIRECTORY | 0o755),
        )
        for name in names
    ]
    ends = [pb.Packet(type=pb.Packet.PACKET_STAT), pb.Packet(type=pb.Packet.PACKET_FIN)]
    return cast("ServerCall", FakeCall([*descriptions, *ends]))


def stream(data: bytes, number: str = "0") -> ServerCall:
    message = filesync_pb2.BytesMessage(data=data)
    metadata = {"buildkit-attachable-exporter-id": (number,)}
    return cast("ServerCall", MessageCall(message, metadata=metadata))


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.feature("N7")
def test_trees_of_one_export_are_merged(tmp_path: Path) -> None:
    receiver = LocalReceiver(tmp_path / "out")
    for call in (tree("one", "one/deep", "shared"), tree("shared", "shared/deep", "two")):
        receiver.receive(call)
    assert not (tmp_path / "out").exists()
    receiver.commit({})
    receiver.commit({})
    assert names_in(tmp_path / "out") == ["one", "one/deep", "shared", "shared/deep", "two"]
    assert names_in(tmp_path) == ["out", *(f"out/{name}" for name in names_in(tmp_path / "out"))]


@pytest.mark.feature("N7")
def test_an_exact_export_keeps_files_of_any_tree(tmp_path: Path) -> None:
    for name in ("one/kept", "two/kept", "gone/deep"):
        (tmp_path / name).mkdir(parents=True)
    receiver = LocalReceiver(tmp_path, exact=True)
    receiver.receive(tree("one", "one/kept"))
    receiver.receive(tree("two"))
    receiver.commit({})
    assert names_in(tmp_path) == ["one", "one/kept", "two"]


def test_aborted_trees_leave_nothing_behind(tmp_path: Path) -> None:
    receiver = LocalReceiver(tmp_path / "out")
    receiver.receive(tree("one"))
    receiver.receive(tree("two"))
    receiver.abort()
    receiver.commit({})
    assert names_in(tmp_path) == []


def test_a_second_stream_for_a_file_is_refused(tmp_path: Path) -> None:
    receiver = FileReceiver(tmp_path / "out.tar")
    receiver.receive(stream(b"one"))
    with pytest.raises(TransportError, match=r"sent a second file for .*out\.tar"):
        receiver.receive(stream(b"two"))
    receiver.commit({})
    assert names_in(tmp_path) == ["out.tar"]
    assert (tmp_path / "out.tar").read_bytes() == b"one"
