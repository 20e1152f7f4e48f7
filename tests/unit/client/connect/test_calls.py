"""Calls to a daemon share a connection, reopen it after its end, and fail without one."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hpack
import pytest

from llb._pb import control_pb2 as pb
from llb.client.connect.control import CONTROL, Control
from llb.client.connect.routes import Route
from llb.errors import CancelledError, ConnectError, LLBError, RemoteError, TransportError
from llb.grpc import Code, Server, ServerCall, memory_pair, metadata
from llb.grpc.call import _SEND_BUFFER
from llb.grpc.http2 import frames
from tests.fakes.forks import in_child
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.grpc import Handler, Pipe

ADDRESS = "unix:///daemon"
INFO = CONTROL + "Info"
SETTINGS = frames.settings([])
MIB = 2**20


def info(call: ServerCall) -> None:
    assert call.receive() == b""
    call.send(pb.InfoResponse(buildkitVersion={"version": "v1"}).SerializeToString())


def refusing(error: LLBError) -> Handler:
    def handler(_: ServerCall) -> None:
        raise error

    return handler


class Daemon:
    """A daemon in this process, which may refuse connections, and counts them."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = {INFO: info} | {
            CONTROL + name: handler for name, handler in handlers.items()
        }
        self.gone: str | None = None
        self.servers: list[Server] = []
        self._threads: list[threading.Thread] = []

    def dial(self) -> Pipe:
        if self.gone is not None:
            raise TransportError(self.gone)
        here, there = memory_pair()
        server = Server(there, self.handlers)
        self.servers.append(server)
        self._threads.append(threading.Thread(target=self._serve, args=(server,)))
        self._threads[-1].start()
        return here

    def close(self) -> None:
        for server in self.servers:
            server.close()
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()

    @staticmethod
    def _serve(server: Server) -> None:
        with suppress(TransportError):
            server.serve()


class Script:
    """A peer that writes frames itself, with a function for each of its connections."""

    def __init__(self, *parts: Callable[[Pipe], None]) -> None:
        self._parts = list(parts)
        self._threads: list[threading.Thread] = []

    def dial(self) -> Pipe:
        here, there = memory_pair()
        self._threads.append(threading.Thread(target=self._parts.pop(0), args=(there,)))
        self._threads[-1].start()
        return here

    def close(self) -> None:
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers to a closed pipe wait for its reader as long as that takes on a busy machine."""
    for module in ("endpoint", "server"):
        monkeypatch.setattr(f"llb.grpc.{module}._GRACE", SECONDS)


@pytest.fixture
def connect() -> Iterator[Callable[..., Control]]:
    """Connect to the control API of a daemon that belongs to the test."""
    controls: list[Control] = []
    daemons: list[Daemon | Script] = []

    def start(daemon: Daemon | Script, greet_seconds: float = SECONDS) -> Control:
        daemons.append(daemon)
        controls.append(Control(Route(ADDRESS, daemon.dial, greet_seconds=greet_seconds)))
        return controls[-1]

    yield start
    for control in controls:
        control.close()
    for daemon in daemons:
        daemon.close()


def headers(stream_id: int, pairs: Any, *, end: bool = False) -> bytes:
    block = hpack.Encoder().encode(pairs)
    return frames.headers(stream_id, block, end=end, frame_size=2**14)


def answer(stream_id: int, message: bytes = b"") -> bytes:
    data = b"\0" + len(message).to_bytes(4, "big") + message
    return (
        headers(stream_id, metadata.RESPONSE)
        + frames.header(frames.DATA, 0, stream_id, len(data))
        + data
        + headers(stream_id, [("grpc-status", "0")], end=True)
    )


class Peer:
    """One end of a pipe that writes frames itself, and has sent its settings."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._heard = b""
        self.say(SETTINGS)

    def say(self, data: bytes) -> None:
        self._pipe.write(data)

    def hear(self, requests: int) -> None:
        """Read until this many requests have ended."""
        while _ends(self._heard) < requests:
            data = self._pipe.read()
            assert data, "the client has left"
            self._heard += data

    def has_been_left(self) -> bool:
        """Read until the client ends the connection."""
        while self._pipe.read():
            pass
        return True


def _ends(data: bytes) -> int:
    """Count the frames written by a client that end a stream."""
    offset, ends = len(frames.PREFACE), 0
    while len(data) - offset >= frames.HEADER_SIZE:
        length, kind, flags = (
            int.from_bytes(data[offset : offset + 3], "big"),
            data[offset + 3],
            data[offset + 4],
        )
        ends += kind in (frames.DATA, frames.HEADERS) and bool(flags & frames.END_STREAM)
        offset += frames.HEADER_SIZE + length
    return ends


def test_calls_share_a_connection(connect: Callable[..., Control]) -> None:
    barrier = threading.Barrier(5)

    def listed(call: ServerCall) -> None:
        barrier.wait(SECONDS)
        call.send(b"")

    daemon = Daemon(ListWorkers=listed)
    control = connect(daemon)
    threads = [threading.Thread(target=control.workers) for _ in range(4)]
    for thread in threads:
        thread.start()
    barrier.wait(SECONDS)
    assert control.info().version == "v1"
    for thread in threads:
        thread.join(SECONDS)
    assert len(daemon.servers) == 1


def test_an_ended_connection_is_replaced(connect: Callable[..., Control]) -> None:
    daemon = Daemon()
    control = connect(daemon)
    for count in (2, 3):
        daemon.servers[-1].close()
        control.ping(SECONDS)
        assert control.info().version == "v1"
        assert len(daemon.servers) == count


def test_a_call_after_goaway_uses_another_connection(
    connect: Callable[..., Control],
) -> None:
    left = threading.Event()

    def leaving(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1) + frames.goaway(1, 0))
        if peer.has_been_left():
            left.set()

    def there(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1))

    control = connect(Script(leaving, there))
    # The client closes a connection without open calls.
    assert left.wait(SECONDS)
    control.info()


def test_a_call_that_goaway_excludes_is_repeated(
    connect: Callable[..., Control],
) -> None:
    def leaving(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1))
        peer.hear(2)
        peer.say(frames.goaway(1, 0))
        peer.has_been_left()

    def there(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1, b"\x0a\x00"))

    assert len(connect(Script(leaving, there)).workers()) == 1


def test_a_call_that_goaway_includes_continues(connect: Callable[..., Control]) -> None:
    called = threading.Event()

    def leaving(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1))
        peer.hear(2)
        peer.say(frames.goaway(3, 0))
        assert called.wait(SECONDS)
        peer.say(answer(3, pb.StatusResponse(warnings=[{"level": 7}]).SerializeToString()))
        peer.has_been_left()

    def there(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1))

    control = connect(Script(leaving, there))
    status = control.status("x")
    control.info()
    called.set()
    assert [response.warnings[0].level for response in status] == [7]


def test_a_broken_connection_fails_its_calls(connect: Callable[..., Control]) -> None:
    def breaking(pipe: Pipe) -> None:
        peer = Peer(pipe)
        peer.hear(1)
        peer.say(answer(1))
        peer.hear(2)
        pipe.close()

    with pytest.raises(TransportError) as caught:
        connect(Script(breaking)).info()
    assert caught.value.message == (
        f"lost the connection to {ADDRESS}: connection was closed by the peer"
    )


def test_every_call_fails_until_an_unreachable_daemon_is_back(
    connect: Callable[..., Control],
) -> None:
    daemon = Daemon()
    control = connect(daemon)
    daemon.gone = "Connection refused"
    daemon.servers[0].close()
    for call in (control.info, control.workers, lambda: control.ping(SECONDS)):
        with pytest.raises(ConnectError) as caught:
            call()
        assert caught.value.message == f"no BuildKit answers at {ADDRESS}: Connection refused"
    daemon.gone = None
    assert control.info().version == "v1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it does not answer"),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            "peer does not speak HTTP/2: frame of kind 45 with a length of 5460808",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "peer does not speak HTTP/2: frame of kind 80 with a length of 4740180",
        ),
        (SETTINGS, "it does not answer"),
    ],
)
def test_another_server_is_an_error(data: bytes, reason: str) -> None:
    def say(pipe: Pipe) -> None:
        if data:
            pipe.write(data)
        pipe.close()

    script = Script(say)
    with pytest.raises(ConnectError) as caught:
        Control(Route(ADDRESS, script.dial))
    assert caught.value.message == f"no BuildKit answers at {ADDRESS}: {reason}"
    script.close()


@pytest.mark.parametrize("data", [b"", SETTINGS])
def test_a_silent_peer_is_an_error(data: bytes) -> None:
    over = threading.Event()

    def listen(pipe: Pipe) -> None:
        # The client may have gone by now.
        with suppress(TransportError):
            if data:
                pipe.write(data)
        while pipe.read():
            pass
        over.set()

    script = Script(listen)
    with pytest.raises(ConnectError) as caught:
        Control(Route(ADDRESS, script.dial, greet_seconds=0.2))
    assert caught.value.message == f"no BuildKit answers at {ADDRESS}: it does not answer"
    assert over.wait(SECONDS)
    script.close()


def test_a_daemon_without_the_first_call_is_accepted(
    connect: Callable[..., Control],
) -> None:
    daemon = Daemon(Info=refusing(RemoteError("unknown", code=Code.UNIMPLEMENTED)))
    with pytest.raises(RemoteError, match="does not report its version"):
        connect(daemon).info()


def test_a_daemon_that_refuses_the_first_call_is_unreachable() -> None:
    daemon = Daemon(Info=refusing(RemoteError("not\nyou", code=Code.UNAUTHENTICATED)))
    with pytest.raises(ConnectError) as caught:
        Control(Route(ADDRESS, daemon.dial))
    assert caught.value.message == f"no BuildKit answers at {ADDRESS}: not you"
    daemon.close()


LOST = f"lost the connection to {ADDRESS}: "


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RemoteError("a\n b", code=Code.INTERNAL), RemoteError, "a b"),
        (RemoteError("", code=Code.NOT_FOUND), RemoteError, "not_found"),
        (RemoteError("", code=99), RemoteError, "status 99"),
        (RemoteError("no more", code=Code.UNAVAILABLE), TransportError, LOST + "no more"),
        (RemoteError("x", code=Code.CANCELLED), CancelledError, "the build was cancelled"),
        (
            RemoteError("x", code=Code.DEADLINE_EXCEEDED),
            CancelledError,
            "the deadline passed before the daemon answered",
        ),
    ],
)
def test_a_grpc_status_becomes_an_error(
    error: LLBError, kind: type[LLBError], message: str, connect: Callable[..., Control]
) -> None:
    with pytest.raises(LLBError) as caught:
        connect(Daemon(ListWorkers=refusing(error))).workers()
    assert type(caught.value) is kind
    assert caught.value.message == message


def test_large_details_of_a_status_are_kept(connect: Callable[..., Control]) -> None:
    details = (b"\x0a\x01t", bytes(4 * 2**20))
    error = RemoteError("x", code=Code.UNKNOWN, details=details)
    with pytest.raises(RemoteError) as caught:
        connect(Daemon(ListWorkers=refusing(error))).workers()
    assert caught.value.details == details


def test_a_build_ends_at_its_deadline(connect: Callable[..., Control]) -> None:
    over = threading.Event()

    def solve(_: ServerCall) -> None:
        over.wait(SECONDS)

    control = connect(Daemon(Solve=solve))
    with pytest.raises(CancelledError) as caught:
        control.solve(pb.SolveRequest(), 0.2).single()
    assert caught.value.message == "the deadline passed before the daemon answered"
    over.set()


def test_a_call_may_be_cancelled_by_any_thread(connect: Callable[..., Control]) -> None:
    started, over = threading.Event(), threading.Event()

    def status(call: ServerCall) -> None:
        try:
            while True:
                call.send(b"")
                started.set()
        except CancelledError:
            over.set()
            raise

    responses = connect(Daemon(Status=status)).status("x")

    def cancel() -> None:
        started.wait(SECONDS)
        responses.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledError) as caught:
        list(responses)
    assert caught.value.message == "the build was cancelled"
    assert over.wait(SECONDS)
    canceller.join()


def test_dropping_a_stream_cancels_its_call(connect: Callable[..., Control]) -> None:
    over = threading.Event()

    def prune(call: ServerCall) -> None:
        try:
            while True:
                call.send(pb.UsageRecord(ID="x").SerializeToString())
        except CancelledError:
            over.set()
            raise

    records = connect(Daemon(Prune=prune)).prune(pb.PruneRequest())
    assert next(records).id == "x"
    del records
    assert over.wait(SECONDS)


@pytest.mark.parametrize("count", [0, 2])
def test_a_unary_call_has_exactly_one_response(count: int, connect: Callable[..., Control]) -> None:
    def listed(call: ServerCall) -> None:
        for _ in range(count):
            call.send(b"")

    with pytest.raises(RemoteError) as caught:
        connect(Daemon(ListWorkers=listed)).workers()
    assert caught.value.message == "call did not have one response"


def test_a_malformed_response_is_an_error(connect: Callable[..., Control]) -> None:
    def garbage(call: ServerCall) -> None:
        call.send(b"\xff")

    control = connect(Daemon(ListWorkers=garbage, Status=garbage))
    with pytest.raises(RemoteError) as caught:
        control.workers()
    assert caught.value.message == "the response is not a valid ListWorkersResponse"
    with pytest.raises(RemoteError) as caught:
        list(control.status("x"))
    assert caught.value.message == "the response is not a valid StatusResponse"


def test_metadata_accompany_a_build(connect: Callable[..., Control]) -> None:
    seen: list[object] = []

    def solve(call: ServerCall) -> None:
        seen.append((call.metadata["traceparent"], call.receive()))
        call.send(pb.SolveResponse(ExporterResponse={"a": "b"}).SerializeToString())

    control = connect(Daemon(Solve=solve))
    responses = control.solve(pb.SolveRequest(Ref="r"), None, (("traceparent", "00-1"),))
    assert dict(responses.single().ExporterResponse) == {"a": "b"}
    assert seen == [(("00-1",), b"\x0a\x01r")]


def test_messages_have_a_size_limit(connect: Callable[..., Control]) -> None:
    sizes = [40 * MIB, 64 * MIB]

    def status(call: ServerCall) -> None:
        data = bytes(sizes.pop(0))
        call.send(pb.StatusResponse(logs=[{"msg": data}]).SerializeToString())

    control = connect(Daemon(Status=status))
    assert len(next(iter(control.status("x"))).logs[0].msg) == 40 * MIB
    with pytest.raises(RemoteError, match="larger than the limit") as caught:
        next(iter(control.status("x")))
    assert caught.value.code == Code.RESOURCE_EXHAUSTED


def is_blocked(server: Server) -> bool:
    """Check whether a handler waits to send because the client accepts no more data."""
    endpoint = server._endpoint
    with endpoint.lock:
        return not endpoint.connection.has_output and any(
            endpoint.connection.waiting(number) > _SEND_BUFFER // 2 for number in endpoint.calls
        )


def test_a_slow_reader_delays_only_its_own_stream(connect: Callable[..., Control]) -> None:
    sent: list[int] = []

    def status(call: ServerCall) -> None:
        message = pb.StatusResponse(logs=[{"msg": bytes(MIB)}]).SerializeToString()
        for number in range(64):
            call.send(message)
            sent.append(number)

    daemon = Daemon(Status=status)
    control = connect(daemon)
    responses = control.status("x")
    wait_until(lambda: len(sent) == 64 or is_blocked(daemon.servers[0]))
    assert control.info().version == "v1"
    # The window of the stream, and the data in transit.
    assert 8 <= len(sent) <= 16
    assert sum(len(response.logs[0].msg) for response in responses) == 64 * MIB


def test_a_closed_connection_is_not_reopened(connect: Callable[..., Control]) -> None:
    daemon = Daemon()
    control = connect(daemon)
    control.close()
    with pytest.raises(TransportError) as caught:
        control.info()
    assert caught.value.message == LOST + "the client closed it"
    assert len(daemon.servers) == 1


class Stuck:
    """A daemon whose connections are opened only after an event."""

    def __init__(self, daemon: Daemon) -> None:
        self.opening = threading.Event()
        self.released = threading.Event()
        self.is_stuck = False
        self._daemon = daemon

    def dial(self) -> Pipe:
        if self.is_stuck:
            self.opening.set()
            self.released.wait(SECONDS)
        return self._daemon.dial()


def test_a_call_stops_waiting_for_a_connection_at_its_deadline() -> None:
    daemon = Daemon()
    stuck = Stuck(daemon)
    control = Control(Route(ADDRESS, stuck.dial))
    daemon.servers[0].close()
    wait_until(lambda: not control._calls._channel.is_open)  # type: ignore[union-attr]
    stuck.is_stuck = True
    with pytest.raises(ConnectError, match="it does not answer"):
        control.ping(0.01)
    with pytest.raises(CancelledError, match="the deadline passed before the daemon answered"):
        control.solve(pb.SolveRequest(), 0.01)
    stuck.released.set()
    control.ping(SECONDS)
    assert len(daemon.servers) == 2, "all calls waited for one connection"
    control.close()
    daemon.close()


def test_a_connection_that_opens_after_the_close_is_closed() -> None:
    daemon = Daemon()
    stuck = Stuck(daemon)
    control = Control(Route(ADDRESS, stuck.dial))
    daemon.servers[0].close()
    wait_until(lambda: not control._calls._channel.is_open)  # type: ignore[union-attr]
    stuck.is_stuck = True
    with pytest.raises(ConnectError):
        control.ping(0.01)
    stuck.opening.wait(SECONDS)
    control.close()
    stuck.released.set()
    wait_until(lambda: len(daemon.servers) == 2 and daemon.servers[1].failure is not None)
    daemon.close()


def test_an_error_of_the_dialer_is_raised_unchanged() -> None:
    error = LookupError("mine")

    def dial() -> Pipe:
        raise error

    with pytest.raises(LookupError) as caught:
        Control(Route(ADDRESS, dial))
    assert caught.value is error


def test_a_child_of_a_fork_connects_anew(connect: Callable[..., Control]) -> None:
    daemon = Daemon()
    control = connect(daemon)

    def work() -> None:
        # The child's only thread serves nobody, so the peer is a function here.
        daemon.gone = "asked for a connection"
        with pytest.raises(ConnectError, match="asked for a connection"):
            control.ping(SECONDS)
        control.close()

    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with control._calls._lock:
            held.set()
            release.wait(SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(SECONDS)
    in_child(work)
    release.set()
    thread.join(SECONDS)
    control.ping(SECONDS)
    assert len(daemon.servers) == 1


def test_responses_of_before_a_fork_say_so_in_the_child(connect: Callable[..., Control]) -> None:
    answering = threading.Event()

    def status(call: ServerCall) -> None:
        call.send(pb.StatusResponse().SerializeToString())
        call.flush()
        answering.wait(SECONDS)

    responses = connect(Daemon(Status=status)).status("ref")
    iterator = iter(responses)
    next(iterator)

    def work() -> None:
        with pytest.raises(TransportError) as caught:
            next(iterator)
        assert caught.value.message == (
            "the connection was opened before a fork, and belongs to the parent process"
        )
        responses.cancel()

    in_child(work)
    answering.set()
    assert list(iterator) == []


def test_connections_and_calls_are_logged(
    connect: Callable[..., Control], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "llb")
    daemon = Daemon()
    control = connect(daemon)
    daemon.servers[0].close()
    wait_until(lambda: not control._calls._channel.is_open)  # type: ignore[union-attr]
    control.ping(SECONDS)
    daemon.gone = "gone"
    daemon.servers[1].close()
    wait_until(lambda: not control._calls._channel.is_open)  # type: ignore[union-attr]
    with pytest.raises(ConnectError):
        control.ping(SECONDS)
    ended = f"the connection to {ADDRESS} has ended"

    def infos() -> list[str]:
        return [
            # How the end of a connection is noticed first depends on the scheduler.
            record.getMessage().partition(" has ended: ")[0] + " has ended"
            if " has ended: " in record.getMessage()
            else record.getMessage()
            for record in caplog.records
            if (record.name, record.levelname) == ("llb.client.connect.calls", "INFO")
        ]

    wait_until(lambda: infos().count(ended) == 2)
    reason = f"no BuildKit answers at {ADDRESS}: gone"
    assert sorted(infos()) == sorted(
        [*[f"connected to {ADDRESS}", ended] * 2, f"cannot connect to {ADDRESS}: {reason}"]
    )
    calls = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert [message for message in calls if message.startswith("call ")] == [
        f"call {INFO}, 0 bytes"
    ] * 3


def test_a_session_is_opened_until_its_deadline() -> None:
    daemon = Daemon(Session=lambda call: None)
    stuck = Stuck(daemon)
    control = Control(Route(ADDRESS, stuck.dial))
    control.open_session([("name", "value")], SECONDS).close()
    stuck.is_stuck = True
    with pytest.raises(CancelledError, match="the deadline passed before the daemon answered"):
        control.open_session([], 0.01)
    stuck.released.set()
    # The connection is opened after all, for nobody, and closed at once.
    wait_until(lambda: len(daemon.servers) == 3 and daemon.servers[2].failure is not None)
    daemon.gone = "gone"
    with pytest.raises(ConnectError, match="gone"):
        control.open_session([], SECONDS)
    control.close()
    daemon.close()
