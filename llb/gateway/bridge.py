"""Call the daemon that started a frontend, and list what it can do.

The service is ``moby.buildkit.v1.frontend.LLBBridge``, spoken over the standard
input and output of the frontend's process.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import frozen
from google.protobuf.message import DecodeError

from llb._pb import gateway_pb2 as pb
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from llb.grpc.interfaces import OutgoingCall

    M = TypeVar("M", bound=Message)

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_PING_TIMEOUT = 15.0
# The capabilities of a daemon that lists none (gateway capabilities of 2018).
_FROZEN_CAPS = frozenset({"solve.base", "solve.inlinereturn", "resolveimage", "readfile"})


@frozen
class Caps:
    """The daemon's capabilities, for frontends and for LLB."""

    frontend: frozenset[str]
    llb: frozenset[str]


class Calls(Protocol):
    """The calls of a channel: an :class:`llb.grpc.Channel`, or a wrapper around one."""

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Make a unary call and return its response (:meth:`llb.grpc.Channel.call`)."""

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> OutgoingCall:
        """Start a call of any kind (:meth:`llb.grpc.Channel.stream`)."""


class Bridge:
    """Calls over a channel, all with the same metadata; ``caps`` are the daemon's capabilities.

    Every call raises RemoteError with the daemon's status, or TransportError if the
    connection broke.
    """

    def __init__(self, channel: Calls, metadata: tuple[tuple[str, str], ...] = ()) -> None:
        self._channel = channel
        self._metadata = metadata
        self.caps = self._ping()

    def over(self, wrap: Callable[[Calls], Calls]) -> Bridge:
        """Copy the bridge, with the channel replaced by ``wrap(channel)``."""
        bridge = copy(self)
        bridge._channel = wrap(self._channel)
        return bridge

    def call(
        self, method: str, request: Message, response: type[M], *, timeout: float | None = None
    ) -> M:
        """Make a unary call and decode its response. Raises TransportError if it is malformed."""
        data = self._channel.call(
            _SERVICE + method,
            request.SerializeToString(),
            timeout=timeout,
            metadata=self._metadata,
        )
        try:
            return response.FromString(data)
        except DecodeError as error:
            name = response.DESCRIPTOR.name
            raise TransportError(f"malformed {name} from the daemon") from error

    def stream(self, method: str) -> OutgoingCall:
        """Start a call in which both sides send messages."""
        return self._channel.stream(_SERVICE + method, metadata=self._metadata)

    def _ping(self) -> Caps:
        pong = self.call("Ping", pb.PingRequest(), pb.PongResponse, timeout=_PING_TIMEOUT)
        frontend = frozenset(cap.ID for cap in pong.FrontendAPICaps if cap.Enabled)
        return Caps(
            frontend=frontend or _FROZEN_CAPS,
            llb=frozenset(cap.ID for cap in pong.LLBCaps if cap.Enabled),
        )
