"""Fake calls from a daemon: queued messages to receive, and a list of messages sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import fsutil_pb2 as pb
from llb.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message


class FakeCall:
    """The surface of ``llb.grpc.ServerCall`` that services use."""

    def __init__(
        self,
        packets: Iterable[pb.Packet] = (),
        metadata: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.method = "/test"
        self.metadata = dict(metadata or {})
        self.sent: list[pb.Packet] = []
        self._packets = iter(packets)

    def receive(self) -> bytes | None:
        packet = next(self._packets, None)
        return None if packet is None else packet.SerializeToString()

    def send(self, message: bytes) -> None:
        self.sent.append(pb.Packet.FromString(message))

    def flush(self) -> None:
        """Do nothing: `send` does not buffer."""


class BrokenCall(FakeCall):
    """A call that the daemon resets."""

    def receive(self) -> bytes | None:
        raise CancelledError("the daemon reset the call")


class MessageCall:
    """A call of any service; sent messages are kept as bytes."""

    def __init__(
        self, *messages: Message, metadata: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self.metadata = dict(metadata or {})
        self.sent: list[bytes] = []
        self._messages = iter(messages)

    def receive(self) -> bytes | None:
        message = next(self._messages, None)
        return None if message is None else message.SerializeToString()

    def send(self, message: bytes) -> None:
        self.sent.append(message)


class BytesCall:
    """A call that receives arbitrary bytes as messages."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self.sent: list[bytes] = []
        self._messages = iter(messages)

    def receive(self) -> bytes | None:
        return next(self._messages, None)

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def flush(self) -> None:
        """Do nothing: `send` does not buffer."""
