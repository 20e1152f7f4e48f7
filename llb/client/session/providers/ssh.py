"""``moby.sshforward.v1.SSH``: forward the client's ssh agents, restricted to signing.

The agent protocol is that of draft-miller-ssh-agent: a length of four bytes, a type, and a body. A
build may list keys and request signatures; any other request, such as one that changes the agent,
is answered with a failure and not forwarded.
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

from llb._pb import sshforward_pb2 as pb
from llb.client.session.providers.requests import parse, receive
from llb.errors import InputError, LLBError, RemoteError
from llb.local_files import unix_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.client.session.ssh_agents import Agents
    from llb.grpc import Handler, ServerCall

_ID = "buildkit.ssh.id"
_UNKNOWN, _NOT_FOUND = 2, 5
_REQUEST_IDENTITIES, _SIGN_REQUEST = 11, 13
_FAILURE = b"\x00\x00\x00\x01\x05"
_HEAD = struct.Struct(">I")
# OpenSSH's own message size limit.
_MAX_MESSAGE = 256 * 1024
_CHUNK = 32 * 1024


class SSHAgents:
    """A service that forwards agents by their ids."""

    def __init__(self, agents: Agents) -> None:
        self.failures: list[LLBError] = []
        self._agents = agents

    def handlers(self) -> Mapping[str, Handler]:
        """Map CheckAgent and ForwardAgent to their handlers."""
        return {
            "/moby.sshforward.v1.SSH/CheckAgent": self._check,
            "/moby.sshforward.v1.SSH/ForwardAgent": self._forward,
        }

    def _check(self, call: ServerCall) -> None:
        name = receive(call, pb.CheckAgentRequest).ID or "default"
        self._check_known(name)
        call.send(pb.CheckAgentResponse().SerializeToString())

    def _check_known(self, name: str) -> None:
        if name not in self._agents.sockets:
            raise RemoteError(f"unset ssh forward key {name}", code=_NOT_FOUND)

    def _forward(self, call: ServerCall) -> None:
        (name, *_) = call.metadata.get(_ID, ("default",))
        name = name or "default"
        self._check_known(name)
        path = self._agents.sockets[name]
        try:
            agent = unix_sockets.connect(str(path))
        except OSError as error:
            failure = InputError(f"ssh {name}: cannot connect to {path}: {error.strerror}")
            self.failures.append(failure)
            raise RemoteError(failure.message, code=_UNKNOWN) from error
        with agent:
            if name in self._agents.raw:
                _pump(call, agent)
            else:
                _forward_allowed(call, agent)


def _forward_allowed(call: ServerCall, agent: socket.socket) -> None:
    """Forward the allowed requests, one after the other, with their responses."""
    with agent.makefile("rb") as responses:
        for request in _messages(call):
            if request[_HEAD.size] not in (_REQUEST_IDENTITIES, _SIGN_REQUEST):
                _send(call, _FAILURE)
                continue
            agent.sendall(request)
            head = responses.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            _send(call, head + responses.read(_HEAD.unpack(head)[0]))


def _messages(call: ServerCall) -> Iterator[bytes]:
    """Split the stream into whole messages of the agent protocol."""
    buffer = b""
    while (data := call.receive()) is not None:
        buffer += parse(data, pb.BytesMessage).data
        start = 0
        while len(buffer) - start >= _HEAD.size:
            size = _HEAD.unpack_from(buffer, start)[0]
            if not 1 <= size <= _MAX_MESSAGE:
                raise RemoteError(f"ssh agent message of {size} bytes", code=_UNKNOWN)
            end = start + _HEAD.size + size
            if len(buffer) < end:
                break
            yield buffer[start:end]
            start = end
        buffer = buffer[start:]


def _pump(call: ServerCall, peer: socket.socket) -> None:
    """Copy bytes in both directions until either side ends."""
    failures: list[Exception] = []

    def from_peer() -> None:
        # The call may end before the socket does.
        try:
            while data := peer.recv(_CHUNK):
                _send(call, data)
        except (OSError, LLBError):
            return
        except Exception as error:  # noqa: BLE001 - raised below, as the failure of the call
            failures.append(error)
            call.finish(RemoteError(repr(error), code=_UNKNOWN))
            return
        call.finish(None)

    thread = threading.Thread(target=from_peer, daemon=True)
    thread.start()
    try:
        while (data := call.receive()) is not None:
            peer.sendall(parse(data, pb.BytesMessage).data)
        peer.shutdown(socket.SHUT_WR)
        thread.join()
    finally:
        peer.close()
        if failures:
            raise failures[0]


def _send(call: ServerCall, data: bytes) -> None:
    call.send(pb.BytesMessage(data=data).SerializeToString())
    call.flush()
