"""A build may list the keys of an ssh agent and request signatures, and nothing else."""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import sshforward_pb2 as pb
from llb.client.session.providers.ssh import SSHAgents, _messages
from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents
from llb.errors import RemoteError
from llb.grpc import Channel, Code, Server, memory_pair
from tests.timing import cpu_seconds, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.grpc import ClientCall, ServerCall

CHECK = "/moby.sshforward.v1.SSH/CheckAgent"
FORWARD = "/moby.sshforward.v1.SSH/ForwardAgent"
LIST, SIGN = 11, 13
KEYS, SIGNATURE = 12, 14
FAILURE = b"\x00\x00\x00\x01\x05"
SECONDS = 30


def message(kind: int, body: bytes = b"") -> bytes:
    """Encode a message of the agent protocol."""
    return struct.pack(">IB", 1 + len(body), kind) + body


class FakeAgent:
    """An agent on a socket that answers each request with the request itself.

    With ``hangs_up``, it reads a request and disconnects in the middle of the answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[bytes] = []
        self.hangs_up = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._serving = threading.Thread(target=self._serve)
        self._serving.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._serving.join(SECONDS)
        self._listener.close()

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rb") as stream:
                    while head := stream.read(4):
                        (size,) = struct.unpack(">I", head)
                        question = stream.read(size)
                        self.requests.append(question)
                        answer = message(question[0] + 1, question[1:])
                        connection.sendall(answer[:3] if self.hangs_up else answer)
                        if self.hangs_up:
                            break
        except OSError:
            # The listener was shut down.
            return


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[FakeAgent]:
    agent = FakeAgent(tmp_path / "agent.sock")
    yield agent
    agent.close()


@pytest.fixture
def unexpected() -> list[Exception]:
    """The unexpected exceptions of the service."""
    return []


@pytest.fixture
def forwarded(
    agent: FakeAgent, unexpected: list[Exception]
) -> Iterator[Callable[..., tuple[Channel, SSHAgents]]]:
    """Forward the agent, and return the daemon's channel to it with the service."""
    opened: list[tuple[Channel, threading.Thread]] = []

    def start(*, raw: bool = False, name: str = "default") -> tuple[Channel, SSHAgents]:
        service = SSHAgents(Agents([AgentSpec(name, socket=agent.path, raw=raw)]))
        here, there = memory_pair()
        server = Server(there, service.handlers(), on_error=unexpected.append)
        serving = threading.Thread(target=server.serve)
        serving.start()
        opened.append((Channel(here), serving))
        return opened[-1][0], service

    yield start
    for channel, serving in opened:
        channel.close()
        serving.join(SECONDS)


def send(call: ClientCall, data: bytes) -> None:
    call.send(pb.BytesMessage(data=data).SerializeToString())
    call.flush()


def read(call: ClientCall, size: int) -> bytes:
    """Read this many bytes of the answers, or fewer at the end."""
    data = b""
    while len(data) < size and (part := call.receive()) is not None:
        data += pb.BytesMessage.FromString(part).data
    return data


def forward(channel: Channel, name: str | None = None) -> ClientCall:
    metadata = [] if name is None else [("buildkit.ssh.id", name)]
    return channel.stream(FORWARD, metadata=metadata, timeout=SECONDS)


def test_keys_are_listed_and_used(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    call = forward(forwarded()[0])
    for question, answer in (
        (message(LIST), message(KEYS)),
        (message(SIGN, b"a key and data"), message(SIGNATURE, b"a key and data")),
    ):
        send(call, question)
        assert read(call, len(answer)) == answer
    call.close_send()
    assert call.receive() is None
    assert agent.requests == [bytes([LIST]), bytes([SIGN]) + b"a key and data"]


def test_no_other_message_reaches_the_agent(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    call = forward(forwarded()[0])
    other_kinds = [kind for kind in range(256) if kind not in (LIST, SIGN)]
    for kind in other_kinds:
        send(call, message(kind, b"body"))
    send(call, message(LIST))
    answers = FAILURE * len(other_kinds) + message(KEYS)
    assert read(call, len(answers)) == answers
    assert agent.requests == [bytes([LIST])]
    call.cancel()


def test_messages_in_pieces_are_reassembled(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    call = forward(forwarded()[0])
    question = message(SIGN, b"x" * 100_000)
    for offset in range(0, len(question), 30_001):
        send(call, question[offset : offset + 30_001])
    assert read(call, len(question)) == message(SIGNATURE, b"x" * 100_000)
    call.cancel()


@pytest.mark.parametrize("size", [0, 256 * 1024 + 1, 2**32 - 1])
def test_a_message_of_an_impossible_size_ends_the_call(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]], size: int
) -> None:
    call = forward(forwarded()[0])
    send(call, struct.pack(">I", size))
    with pytest.raises(RemoteError) as caught:
        call.receive()
    assert caught.value.message == f"ssh agent message of {size} bytes"
    assert agent.requests == []


def test_a_disconnecting_agent_ends_the_call(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    agent.hangs_up = True
    call = forward(forwarded()[0])
    send(call, message(LIST))
    assert call.receive() is None
    assert agent.requests == [bytes([LIST])]


def test_a_raw_socket_forwards_all_bytes_unchanged(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    call = forward(forwarded(raw=True)[0])
    send(call, message(17, b"add this key"))
    answer = message(18, b"add this key")
    assert read(call, len(answer)) == answer
    call.close_send()
    assert call.receive() is None
    assert agent.requests == [bytes([17]) + b"add this key"]


def test_a_disconnecting_raw_socket_ends_the_call(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    agent.hangs_up = True
    call = forward(forwarded(raw=True)[0])
    send(call, message(LIST))
    assert read(call, 5) == message(KEYS)[:3]
    assert call.receive() is None


@pytest.mark.parametrize("name", [None, "", "default"])
def test_an_agent_without_a_name_is_the_default_one(
    forwarded: Callable[..., tuple[Channel, SSHAgents]], name: str | None
) -> None:
    channel, _ = forwarded()
    assert channel.call(CHECK, b"", timeout=SECONDS) == b""
    call = forward(channel, name)
    send(call, message(LIST))
    assert read(call, 5) == message(KEYS)
    call.cancel()


def test_the_first_of_several_names_counts(
    forwarded: Callable[..., tuple[Channel, SSHAgents]],
) -> None:
    channel, _ = forwarded()
    names = [("buildkit.ssh.id", name) for name in ("other", "default")]
    with pytest.raises(RemoteError, match="unset ssh forward key other"):
        channel.stream(FORWARD, metadata=names, timeout=SECONDS).receive()


def test_an_unknown_agent_is_not_found(
    forwarded: Callable[..., tuple[Channel, SSHAgents]],
) -> None:
    channel, _ = forwarded(name="deploy")
    named = pb.CheckAgentRequest(ID="deploy").SerializeToString()
    assert channel.call(CHECK, named, timeout=SECONDS) == b""
    with pytest.raises(RemoteError) as checked:
        channel.call(CHECK, b"", timeout=SECONDS)
    with pytest.raises(RemoteError) as refused:
        forward(channel, "other").receive()
    assert [(error.value.code, error.value.message) for error in (checked, refused)] == [
        (Code.NOT_FOUND, "unset ssh forward key default"),
        (Code.NOT_FOUND, "unset ssh forward key other"),
    ]


def test_a_vanished_agent_fails_the_build(
    agent: FakeAgent, forwarded: Callable[..., tuple[Channel, SSHAgents]]
) -> None:
    channel, service = forwarded()
    agent.path.unlink()
    expected = f"ssh default: cannot connect to {agent.path}: No such file or directory"
    with pytest.raises(RemoteError) as caught:
        forward(channel).receive()
    assert caught.value.message == expected
    assert [str(failure) for failure in service.failures] == [expected]


def test_an_unexpected_exception_of_the_agents_thread_ends_the_call(
    forwarded: Callable[..., tuple[Channel, SSHAgents]],
    unexpected: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(call: object, data: bytes) -> None:
        raise ValueError(data)

    monkeypatch.setattr("llb.client.session.providers.ssh._send", fail)
    call = forward(forwarded(raw=True)[0])
    send(call, message(LIST))
    with pytest.raises(RemoteError, match="ValueError"):
        call.receive()
    wait_until(lambda: [str(error) for error in unexpected] == [str(message(KEYS))])


def test_the_time_to_split_messages_is_linear() -> None:
    class Messages:
        """A call with one message of the stream."""

        def __init__(self, data: bytes) -> None:
            self.parts = [pb.BytesMessage(data=data).SerializeToString()]

        def receive(self) -> bytes | None:
            return self.parts.pop() if self.parts else None

    def split(count: int) -> float:
        data = message(LIST) * count
        return cpu_seconds(lambda: deque(_messages(cast("ServerCall", Messages(data))), maxlen=0))

    # A quadratic time would be 256 times as long.
    assert split(160_000) < 64 * split(10_000)
