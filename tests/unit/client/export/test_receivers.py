"""A result counts only once the client has all of it, whatever the daemon reports."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from llb import Scratch
from llb._pb import fsutil_pb2 as pb
from llb.client import Client, Export, docker, local, tar
from llb.client.export.receivers import Receivers
from llb.errors import InputError, LLBError, RemoteError, TransportError
from tests.fakes.docker_engine import FakeDockerEngine
from tests.fakes.stats import describe
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.grpc import ClientCall, ServerCall
    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

    Make = Callable[..., FakeDaemon]

BUILD = Scratch().mkfile("/x", "x")
STAT, DATA, FIN = pb.Packet.PACKET_STAT, pb.Packet.PACKET_DATA, pb.Packet.PACKET_FIN


def solve(daemon: FakeDaemon, export: Export, **options: Any) -> None:
    with Client(daemon.address) as client:
        client.solve(BUILD, exports=[export], **options)


def send(build: FakeBuild, *packets: pb.Packet) -> None:
    """Send packets to the first export, and ignore how the client ends the call."""

    def send_all(call: ClientCall) -> None:
        for packet in packets:
            call.send(packet.SerializeToString())
        call.close_send()

    with pytest.raises(LLBError):
        build.session._send(0, send_all)


def test_a_refused_tree_fails_the_build(fake_daemon: Make, tmp_path: Path) -> None:
    def script(build: FakeBuild) -> None:
        stats = [describe("good", 0o644), describe("../x", 0o644)]
        send(build, *(pb.Packet(type=STAT, stat=stat) for stat in stats))

    with pytest.raises(TransportError, match=r"refused the file '../x' from the daemon"):
        solve(fake_daemon(script=script), local(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_ends_early_fails_the_build(fake_daemon: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("of the last build")

    def script(build: FakeBuild) -> None:
        packet = pb.Packet(type=STAT, stat=describe("a", 0o644, size=1000))
        send(build, packet, pb.Packet(type=DATA, ID=0, data=b"abc"), pb.Packet(type=DATA, ID=0))

    with pytest.raises(TransportError, match=r"refused the file 'a' .* it ends 997 bytes early"):
        solve(fake_daemon(script=script), local(tmp_path / "out", delete=True))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
    assert (tmp_path / "out" / "a").read_text() == "of the last build"


def test_a_file_that_cannot_be_written_fails_the_build(fake_daemon: Make, tmp_path: Path) -> None:
    full = tmp_path / "full"
    os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))

    def script(build: FakeBuild) -> None:
        with pytest.raises(LLBError, match="No space left on device"):
            build.session.send_file(b"x" * 3_000_000)

    with pytest.raises(InputError, match=r"cannot export to .*full: No space left on device"):
        solve(fake_daemon(script=script), tar(full))


@pytest.mark.parametrize("export", [local, tar])
def test_a_missing_result_fails_the_build(
    fake_daemon: Make, tmp_path: Path, export: Callable[[Path], Export]
) -> None:
    with pytest.raises(TransportError, match=r"did not send all of .*/out"):
        solve(fake_daemon(), export(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_result_fails_the_build(
    fake_daemon: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llb.client.builds.build_run._TRANSFER_SECONDS", 0.1)
    started = threading.Event()

    def send_half(call: ClientCall) -> None:
        packet = pb.Packet(type=STAT, stat=describe("a", 0o644, size=1000))
        call.send(packet.SerializeToString())
        call.flush()
        # The client requests the content, so the transfer is in progress.
        call.receive()
        started.set()

    def script(build: FakeBuild) -> None:
        def keep_sending() -> None:
            with pytest.raises(LLBError):
                build.session._send(0, send_half)

        threading.Thread(target=keep_sending).start()
        started.wait()

    with pytest.raises(TransportError, match=r"did not send all of .*/out"):
        solve(fake_daemon(script=script), local(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_the_daemon_cannot_read_files_while_results_are_committed(
    fake_daemon: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "a").write_text("a")
    answers: list[object] = []
    with FakeDockerEngine(tmp_path / "docker.sock") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)

        def script(build: FakeBuild) -> None:
            assert build.session.files() == {"a": b"a"}
            build.session.send_file(b"image")

            def ask() -> None:
                try:
                    answers.append(build.session.files())
                except LLBError as error:
                    # Whether the end of the session is seen before the call depends on the time.
                    answers.append(isinstance(error, TransportError))

            engine.on_load = ask

        solve(fake_daemon(script=script), docker(), local_dirs={"context": tmp_path / "context"})
    assert answers == [True]


class SlowReceiver:
    """A receiver that is still writing when the build is over."""

    destination = "out"

    def __init__(self) -> None:
        self.is_writing = threading.Event()
        self.may_end = threading.Event()
        self.aborts = 0

    def receive(self, call: object) -> None:
        self.is_writing.set()
        assert self.may_end.wait(SECONDS)

    def commit(self, responses: object) -> None:
        raise AssertionError("committed")

    def abort(self) -> None:
        self.aborts += 1


def test_what_a_receiver_writes_after_the_build_is_discarded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llb.client.export.receivers._ABORT_SECONDS", 0.01)
    receivers, receiver, call = Receivers(), SlowReceiver(), cast("ServerCall", None)
    receivers.add(0, receiver)
    receiving = threading.Thread(target=receivers.receive, args=(0, call))
    receiving.start()
    assert receiver.is_writing.wait(SECONDS)
    receivers.abort()
    assert receiver.aborts == 1
    receiver.may_end.set()
    receiving.join(SECONDS)
    assert receiver.aborts == 2
    with pytest.raises(RemoteError, match="the build is over"):
        receivers.receive(0, call)


def test_cancelling_ends_the_wait_for_a_result() -> None:
    receivers, receiver, call = Receivers(), SlowReceiver(), cast("ServerCall", None)
    receivers.add(0, receiver)
    receiving = threading.Thread(target=receivers.receive, args=(0, call))
    receiving.start()
    assert receiver.is_writing.wait(SECONDS)
    waiting = threading.Thread(target=receivers.check_complete, args=(SECONDS * 10,))
    waiting.start()
    receivers.cancel()
    waiting.join(SECONDS)
    assert not waiting.is_alive()
    receiver.may_end.set()
    receiving.join(SECONDS)
