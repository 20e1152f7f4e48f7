"""The byte stream of a session: messages of the ``Control.Session`` call that carry its pieces."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from llb.errors import LLBError, TransportError
from llb.protobuf import message, read_fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.grpc.interfaces import OutgoingCalls

_METHOD = "/moby.buildkit.v1.Control/Session"
_encode = message(1)


class InterceptedError(TransportError):
    """An interceptor of a ``grpc.Channel`` ended the session."""

    @property
    def cause(self) -> Exception:
        """What the interceptor raised."""
        assert isinstance(self.__cause__, Exception)
        return self.__cause__


class SessionPipe:
    """A pipe over a stream of ``BytesMessage``; it owns the connection it is given.

    The messages have one field and are encoded and decoded by hand.
    """

    def __init__(self, channel: OutgoingCalls, metadata: Iterable[tuple[str, str]]) -> None:
        self._closed = threading.Event()
        self._channel = channel
        self._call = self._channel.stream(_METHOD, metadata=metadata)

    def read(self) -> bytes:
        """Read the next piece, or ``b""`` at the end; raises TransportError."""
        while True:
            try:
                received = self._call.receive()
            except LLBError as error:
                if self._closed.is_set():
                    return b""
                raise TransportError(f"the session broke: {error.message}") from error
            except Exception as error:
                raise InterceptedError(f"an interceptor ended the session: {error!r}") from error
            if received is None:
                return b""
            if piece := _decode(received):
                return piece

    def write(self, data: bytes) -> None:
        """Send a piece once the peer accepts it; raises TransportError."""
        try:
            self._call.send(_encode(data))
            self._call.flush()
        except LLBError as error:
            raise TransportError(f"the session is closed: {error.message}") from error
        except Exception as error:
            raise InterceptedError(f"an interceptor ended the session: {error!r}") from error

    def close(self) -> None:
        """Close the stream in both directions."""
        if not self._closed.is_set():
            self._closed.set()
            self._channel.close()


def _decode(data: bytes) -> bytes:
    fields = []
    with suppress(ValueError):
        fields = list(read_fields(data))
    match fields:
        case [(1, piece)]:
            return piece
        case [] if not data:
            return b""
        case _:
            raise TransportError("malformed session message from the daemon")
