"""The calls of a frontend to the daemon that started it, and what that daemon can do.

The service is ``moby.buildkit.v1.frontend.LLBBridge``, spoken over the standard
input and output of the frontend's process.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import frozen

from llb._pb import gateway_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from llb.grpc import ClientCall

    M = TypeVar("M", bound=Message)

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_PING_TIMEOUT = 15.0
# What a daemon can do that lists no capabilities at all (gateway capabilities of 2018).
_FROZEN_CAPS = frozenset({"solve.base", "solve.inlinereturn", "resolveimage", "readfile"})


@frozen
class Caps:
    """What the daemon can do: for frontends, and in LLB."""

    frontend: frozenset[str]
    llb: frozenset[str]


class Calls(Protocol):
    """What calls are made on: an :class:`llb.grpc.Channel`, or what stands before one."""

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Make a unary call and return its response, as :meth:`llb.grpc.Channel.call` does."""

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> ClientCall:
        """Begin a call of any kind, as :meth:`llb.grpc.Channel.stream` does."""


class Bridge:
    """Calls over a channel, with the same metadata each; ``caps`` are those of the daemon.

    Every call raises RemoteError with the daemon's status, or TransportError
    where the connection broke.
    """

    def __init__(self, channel: Calls, metadata: tuple[tuple[str, str], ...] = ()) -> None:
        self._channel = channel
        self._metadata = metadata
        self.caps = self._ping()

    def over(self, wrap: Callable[[Calls], Calls]) -> Bridge:
        """Return the bridge whose calls go through what ``wrap`` makes of its channel."""
        other = copy(self)
        other._channel = wrap(self._channel)
        return other

    def call(
        self, method: str, request: Message, response: type[M], *, timeout: float | None = None
    ) -> M:
        """Make a call and return its response."""
        data = self._channel.call(
            _SERVICE + method,
            request.SerializeToString(),
            timeout=timeout,
            metadata=self._metadata,
        )
        return response.FromString(data)

    def stream(self, method: str) -> ClientCall:
        """Begin a call in which both sides send messages."""
        return self._channel.stream(_SERVICE + method, metadata=self._metadata)

    def _ping(self) -> Caps:
        pong = self.call("Ping", pb.PingRequest(), pb.PongResponse, timeout=_PING_TIMEOUT)
        frontend = frozenset(cap.ID for cap in pong.FrontendAPICaps if cap.Enabled)
        return Caps(
            frontend=frontend or _FROZEN_CAPS,
            llb=frozenset(cap.ID for cap in pong.LLBCaps if cap.Enabled),
        )
