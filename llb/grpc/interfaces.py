"""Interfaces of an outgoing call and of what makes calls, whatever transports them.

:class:`llb.grpc.Channel` implements them over a pipe, and :mod:`llb.grpcio` over a channel of
grpcio. Their methods raise the same errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llb.errors import RemoteError
from llb.grpc.status import Code

if TYPE_CHECKING:
    from collections.abc import Iterable


class OutgoingCall(Protocol):
    """A call to a server (:class:`llb.grpc.ClientCall`)."""

    def send(self, message: bytes) -> None:
        """Send a message; blocks while the server accepts no more data."""

    def flush(self) -> None:
        """Send messages that wait to share a write with later ones."""

    def close_send(self) -> None:
        """Signal that no more messages follow."""

    def receive(self) -> bytes | None:
        """Receive the next message, or None after the last one."""

    def cancel(self) -> None:
        """Cancel the call on both sides; does nothing if the call is over."""


class OutgoingCalls(Protocol):
    """Makes calls to a server (:class:`llb.grpc.Channel`); any thread may use it."""

    @property
    def is_open(self) -> bool:
        """Whether new calls are accepted."""

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Make a unary call and return its response; ``timeout`` is in seconds."""

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> OutgoingCall:
        """Start a call of any kind."""

    def close(self) -> None:
        """End all calls; a second call does nothing."""


def single_response(call: OutgoingCall, request: bytes) -> bytes:
    """Send the request of a unary call, and receive its response; the call has ended then."""
    try:
        call.send(request)
        call.close_send()
        response = call.receive()
        if response is None or call.receive() is not None:
            raise RemoteError("call did not have one response", code=Code.INTERNAL)
        return response
    finally:
        call.cancel()
