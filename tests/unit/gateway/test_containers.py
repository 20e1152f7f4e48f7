"""Containers with a daemon that breaks the protocol or lacks capabilities."""

from __future__ import annotations

import io
import os
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from attrs import define, field

from llb import secret
from llb._pb import gateway_pb2 as pb
from llb.errors import (
    CancelledError,
    CapabilityError,
    InputError,
    InvalidValueError,
    ProcessError,
    RemoteError,
    TransportError,
)
from llb.gateway import Container, Gateway, Ref, containers, processes
from llb.grpc import Channel, Code, Server, memory_pair
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.protobuf.message import Message

    from llb.grpc import ServerCall

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_CAPS = ("", ".extrahosts", ".filesystem", ".secretenv", ".signals")
STARTED = pb.ExecMessage(Started=pb.StartedMessage())
EXITED = pb.ExecMessage(Exit=pb.ExitMessage())
DONE = pb.ExecMessage(Done=pb.DoneMessage())


@define
class Daemon:
    """A daemon that sends the same messages about every process."""

    sends: list[pb.ExecMessage | bytes] = field(factory=list)
    end: RemoteError | None = None
    is_silent: bool = False
    release: RemoteError | None = None
    is_stuck: bool = False
    caps: tuple[str, ...] = tuple(f"gateway.exec{name}" for name in _CAPS)
    # The messages sent when the input of a process has ended.
    replies: list[pb.ExecMessage] = field(factory=list)
    # The messages received about processes, without the process ID.
    received: list[pb.ExecMessage] = field(factory=list)
    closing: threading.Event = field(factory=threading.Event)

    def handlers(self) -> dict[str, Callable[[ServerCall], None]]:
        return {
            f"{_SERVICE}Ping": self.ping,
            f"{_SERVICE}NewContainer": self.answer(pb.NewContainerResponse()),
            f"{_SERVICE}ReleaseContainer": self.released,
            f"{_SERVICE}ExecProcess": self.process,
        }

    def ping(self, call: ServerCall) -> None:
        pong = pb.PongResponse()
        for cap in self.caps:
            pong.FrontendAPICaps.add(ID=cap, Enabled=True)
        call.send(pong.SerializeToString())

    def answer(self, message: Message) -> Callable[[ServerCall], None]:
        return lambda call: call.send(message.SerializeToString())

    def released(self, call: ServerCall) -> None:
        if self.is_stuck:
            self.closing.wait()
        if self.release is not None:
            raise self.release
        call.send(pb.ReleaseContainerResponse().SerializeToString())

    def process(self, call: ServerCall) -> None:
        first = call.receive()
        assert first is not None
        init = pb.ExecMessage.FromString(first)
        for message in self.sends:
            if isinstance(message, bytes):
                call.send(message)
                continue
            call.send(named(message, init.ProcessID))
        call.flush()
        if self.is_silent:
            self.closing.wait()
        while (data := call.receive()) is not None:
            exec_message = pb.ExecMessage.FromString(data)
            exec_message.ProcessID = ""
            self.received.append(exec_message)
            if exec_message.File.EOF:
                for message in self.replies:
                    call.send(named(message, init.ProcessID))
                call.flush()
        if self.end is not None:
            raise self.end


def named(message: pb.ExecMessage, process_id: str) -> bytes:
    """Encode a message about a process, which its ID in the message overrides."""
    whole = pb.ExecMessage(ProcessID=process_id)
    whole.MergeFrom(message)
    return whole.SerializeToString()


@pytest.fixture
def connect() -> Iterator[Callable[[Daemon], Gateway]]:
    """A function that returns a gateway to a daemon; no thread is left afterwards."""
    before = set(threading.enumerate())
    with ExitStack() as stack:

        def start(daemon: Daemon) -> Gateway:
            here, there = memory_pair()
            server = Server(there, daemon.handlers())

            def serve() -> None:
                with suppress(TransportError):
                    server.serve()

            thread = threading.Thread(target=serve)
            thread.start()
            channel = Channel(here)
            stack.callback(thread.join)
            stack.callback(channel.close)
            stack.callback(daemon.closing.set)
            return Gateway(channel)

        yield start
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def open_container(connect: Callable[[Daemon], Gateway]) -> Callable[[Daemon], Container]:
    """A function that returns a container of a daemon."""
    return lambda daemon: connect(daemon).new_container(Ref("ref"))


@pytest.mark.feature("K5")
def test_an_exit_code_may_arrive_before_the_output(
    open_container: Callable[[Daemon], Container],
) -> None:
    out = pb.ExecMessage(File=pb.FdMessage(Fd=1, Data=b"out", EOF=True))
    err = pb.ExecMessage(File=pb.FdMessage(Fd=2, EOF=True))
    # An exit code may overtake earlier output.
    daemon = Daemon([STARTED, EXITED, out, err, DONE])
    with open_container(daemon) as container:
        assert container.run(["x"]).stdout == b"out"
    # Without input, its end is not sent.
    assert daemon.received == []


@pytest.mark.feature("K5")
@pytest.mark.parametrize("end", [None, RemoteError("io: read/write on closed pipe", code=2)])
def test_the_end_of_a_process_may_come_before_its_exit_code(
    open_container: Callable[[Daemon], Container], end: RemoteError | None
) -> None:
    out = pb.ExecMessage(File=pb.FdMessage(Fd=1, Data=b"late"))
    with open_container(Daemon([STARTED, DONE, EXITED, out], end)) as container:
        assert container.run(["x"], stdin=b"unread").stdout == b"late"


@pytest.mark.feature("K5")
@pytest.mark.parametrize(
    ("sends", "reason"),
    [
        ([STARTED, DONE], "the daemon ended process 'x y' without an exit code"),
        ([EXITED], "unexpected Exit message from the daemon: process 'x y' has not started"),
        (
            [pb.ExecMessage()],
            "unexpected empty message from the daemon: process 'x y' has not started",
        ),
        (
            [STARTED, pb.ExecMessage(Init=pb.InitMessage())],
            "unexpected Init message from the daemon: process 'x y' is running",
        ),
        (
            [STARTED, pb.ExecMessage(File=pb.FdMessage(Fd=5, Data=b"?"))],
            "unexpected output from the daemon: file descriptor 5 of process 'x y' is not open",
        ),
        (
            [pb.ExecMessage(ProcessID="other", Started=pb.StartedMessage())],
            "unknown process ID from the daemon: 'other'",
        ),
        ([STARTED, b"\xff\xff"], "malformed process message from the daemon"),
    ],
)
def test_a_daemon_that_breaks_the_protocol_is_an_error(
    open_container: Callable[[Daemon], Container],
    sends: list[pb.ExecMessage | bytes],
    reason: str,
) -> None:
    with (
        open_container(Daemon(sends)) as container,
        pytest.raises(TransportError) as caught,
    ):
        container.run(["x", "y"])
    assert caught.value.message == reason


@pytest.mark.feature("K5")
def test_output_before_a_broken_connection_is_read_before_the_error(
    open_container: Callable[[Daemon], Container],
) -> None:
    out = pb.ExecMessage(File=pb.FdMessage(Fd=1, Data=b"before"))
    with open_container(Daemon([STARTED, out, b"\xff"])) as container:
        process = container.start(["x"])
        assert process.stdout is not None
        assert process.stdout.read1() == b"before"
        with pytest.raises(TransportError):
            process.stdout.read1()


@pytest.mark.feature("K5")
def test_the_half_closed_call_gets_the_reason_of_a_failed_start(
    open_container: Callable[[Daemon], Container], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_START_SECONDS", 0.2)
    monkeypatch.setattr(processes, "_REASON_SECONDS", SECONDS)
    reason = RemoteError("no such container", code=Code.NOT_FOUND)
    with (
        open_container(Daemon([], reason)) as container,
        pytest.raises(RemoteError, match="no such container"),
    ):
        container.start(["x"])


@pytest.mark.feature("K5")
def test_a_silent_daemon_is_a_timeout(
    open_container: Callable[[Daemon], Container], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_START_SECONDS", 0.2)
    monkeypatch.setattr(processes, "_REASON_SECONDS", 0.2)
    with (
        open_container(Daemon([], is_silent=True)) as container,
        pytest.raises(CancelledError, match=r"process 'x' did not start within 0\.2 s"),
    ):
        container.start(["x"])


@pytest.mark.feature("K5")
def test_a_process_that_never_ends_is_followed_no_longer_than_its_container(
    open_container: Callable[[Daemon], Container], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_END_SECONDS", 0.2)
    with open_container(Daemon([STARTED], is_silent=True)) as container:
        process = container.start(["x"], stdin=bytes(20_000_000))
        with pytest.raises(CancelledError, match="is still running"):
            process.wait(0.1)
    with pytest.raises(CancelledError, match="was stopped with its container"):
        process.wait(SECONDS)


@pytest.mark.feature("K5")
def test_the_end_of_the_connection_ends_a_process_whose_output_nobody_reads(
    connect: Callable[[Daemon], Gateway],
) -> None:
    much = pb.ExecMessage(File=pb.FdMessage(Fd=1, Data=bytes(1_000_000)))
    gateway = connect(Daemon([STARTED, much, much, much, DONE], is_silent=True))
    container = gateway.new_container(Ref("ref"))
    process = container.start(["x"])
    assert isinstance(gateway._bridge._channel, Channel)
    gateway._bridge._channel.close()
    with pytest.raises(TransportError):
        process.wait(SECONDS)
    with pytest.raises(TransportError):
        container.release()


@pytest.mark.feature("K5")
def test_a_container_that_cannot_be_released_is_an_error_unless_a_process_failed(
    open_container: Callable[[Daemon], Container],
) -> None:
    daemon = Daemon([STARTED, EXITED, DONE], release=RemoteError("of the daemon", code=2))
    with pytest.raises(RemoteError, match="of the daemon"), open_container(daemon) as container:
        container.run(["x"])
    daemon.sends = [STARTED, pb.ExecMessage(Exit=pb.ExitMessage(Code=3)), DONE]
    with open_container(daemon) as container:
        assert container.run(["x"], check=False).exit_code == 3
    with pytest.raises(ZeroDivisionError), open_container(daemon):
        raise ZeroDivisionError


@pytest.mark.feature("K5")
def test_a_release_that_takes_too_long_is_an_error(
    connect: Callable[[Daemon], Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_RELEASE_SECONDS", 0.2)
    container = connect(Daemon(is_stuck=True)).new_container(Ref("ref"))
    with pytest.raises(CancelledError):
        container.release()


@pytest.mark.feature("K5")
@pytest.mark.parametrize(
    ("cap", "use", "feature"),
    [
        (
            "gateway.exec",
            lambda gateway: gateway.new_container(Ref("ref")),
            "containers of frontends",
        ),
        (
            "gateway.exec.extrahosts",
            lambda gateway: gateway.new_container(Ref("ref"), extra_hosts={"a": "10.0.0.1"}),
            "extra_hosts of containers",
        ),
        (
            "gateway.exec.signals",
            lambda gateway: gateway.new_container(Ref("ref")).start(["x"]).kill(),
            "signals for processes of containers",
        ),
        (
            "gateway.exec.secretenv",
            lambda gateway: gateway.new_container(Ref("ref")).start(
                ["x"], secrets=[secret("a", env="A")]
            ),
            "secrets as variables in containers",
        ),
        (
            "gateway.exec.filesystem",
            lambda gateway: gateway.new_container(Ref("ref")).read_file("/x"),
            "reading files of containers",
        ),
    ],
)
def test_a_missing_capability_is_named(
    connect: Callable[[Daemon], Gateway],
    cap: str,
    use: Callable[[Gateway], object],
    feature: str,
) -> None:
    caps = tuple(daemon_cap for daemon_cap in Daemon().caps if daemon_cap != cap)
    gateway = connect(Daemon([STARTED], caps=("other", *caps)))
    with pytest.raises(CapabilityError) as caught:
        use(gateway)
    assert caught.value.title == f"this BuildKit does not support {feature}"
    assert caught.value.cap == cap


@pytest.mark.feature("K5")
def test_a_process_without_signals_ends_with_its_container(
    connect: Callable[[Daemon], Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_END_SECONDS", 0.2)
    gateway = connect(Daemon([STARTED], caps=("gateway.exec",)))
    with (
        gateway.new_container(Ref("ref")) as container,
        pytest.raises(CancelledError, match="is still running"),
    ):
        container.run(["x"], timeout=0.1)


def ended(fd: int, data: bytes = b"") -> pb.ExecMessage:
    return pb.ExecMessage(File=pb.FdMessage(Fd=fd, Data=data, EOF=True))


@pytest.mark.feature("K5")
def test_input_signals_and_sizes_are_sent_in_order_until_the_process_exits(
    open_container: Callable[[Daemon], Container],
) -> None:
    daemon = Daemon([STARTED], replies=[EXITED, ended(1), DONE])
    with open_container(daemon) as container:
        process = container.start(["x"], stdin="pipe", tty=True)
        assert process.stdin is not None
        process.resize(24, 80)
        process.stdin.write(b"typed")
        process.signal("SIGHUP")
        process.signal(10)
        before = process.exit_code
        process.stdin.close()
        process.check(SECONDS)
        assert (before, process.exit_code) == (None, 0)
        process.resize(1, 1)
        process.kill()
    assert daemon.received == [
        pb.ExecMessage(Resize=pb.ResizeMessage(Rows=24, Cols=80)),
        pb.ExecMessage(File=pb.FdMessage(Data=b"typed")),
        pb.ExecMessage(Signal=pb.SignalMessage(Name="HUP")),
        pb.ExecMessage(Signal=pb.SignalMessage(Name="USR1")),
        pb.ExecMessage(File=pb.FdMessage(EOF=True)),
    ]


@pytest.mark.feature("K5")
@pytest.mark.parametrize(
    ("number", "reason"),
    [("HOP", "invalid signal 'HOP'"), (4000, "invalid signal 4000: expected a Linux signal")],
)
def test_an_unknown_signal_is_not_sent(
    open_container: Callable[[Daemon], Container], number: str | int, reason: str
) -> None:
    daemon = Daemon([STARTED], replies=[EXITED, ended(1), ended(2), DONE])
    with open_container(daemon) as container:
        process = container.start(["x"], stdin="pipe")
        with pytest.raises(InvalidValueError) as caught:
            process.signal(number)
        assert process.stdin is not None
        process.stdin.close()
        process.check(SECONDS)
    assert caught.value.message == reason
    assert daemon.received == [pb.ExecMessage(File=pb.FdMessage(EOF=True))]


@pytest.mark.feature("K5")
def test_a_file_is_sent_and_output_goes_to_files(
    open_container: Callable[[Daemon], Container], tmp_path: Path
) -> None:
    (tmp_path / "input").write_bytes(b"input")
    exited = pb.ExecMessage(Exit=pb.ExitMessage(Code=3))
    daemon = Daemon([STARTED], replies=[ended(1, b"out"), ended(2, b"why\n"), exited, DONE])
    out = io.BytesIO()
    with (
        (tmp_path / "input").open("rb") as file,
        open_container(daemon) as container,
        pytest.raises(ProcessError, match="process 'x' ended with exit code 3: why"),
    ):
        container.start(["x"], stdin=file, stdout=out, stderr="discard").check(SECONDS)
    assert out.getvalue() == b"out"
    assert [message.File.Data for message in daemon.received] == [b"input", b""]


@pytest.mark.feature("K5")
def test_input_that_cannot_be_read_ends_the_process(
    open_container: Callable[[Daemon], Container], tmp_path: Path
) -> None:
    with (
        open_container(Daemon([STARTED])) as container,
        (tmp_path / "input").open("wb") as file,
        pytest.raises(InputError) as caught,
    ):
        container.start(["x"], stdin=file).wait(SECONDS)
    assert caught.value.message == "cannot read the input of process 'x': Bad file descriptor"


@pytest.mark.feature("K5")
def test_a_file_is_read_no_longer_than_the_process_runs(
    open_container: Callable[[Daemon], Container],
) -> None:
    source, sink = os.pipe()
    with (
        os.fdopen(source, "rb") as file,
        os.fdopen(sink, "wb", buffering=0) as writer,
        open_container(Daemon([STARTED, EXITED, ended(1), ended(2), DONE])) as container,
    ):
        container.start(["x"], stdin=file).check(SECONDS)
        writer.write(b"for another reader")
        assert os.read(file.fileno(), 100) == b"for another reader"
