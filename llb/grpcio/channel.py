"""Calls through a ``grpc.Channel``, with the interface of :class:`llb.grpc.Channel`."""

from __future__ import annotations

import os
import threading
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from llb.errors import CancelledError, InvalidValueError, TransportError
from llb.grpc.interfaces import single_response
from llb.grpc.metadata import checked_pair
from llb.grpcio.calls import GrpcioCall
from llb.grpcio.methods import find_method

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.errors import LLBError

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 2**20),
    # The first limit is where grpcio begins to refuse metadata, the second where it refuses all.
    ("grpc.max_metadata_size", 16 * 2**20),
    ("grpc.absolute_max_metadata_size", 16 * 2**20),
)


class GrpcioChannel:
    """Calls through a channel of grpcio, with its credentials and interceptors.

    :meth:`close` ends these calls, but not the channel, which belongs to its owner. Raises
    :class:`~llb.errors.InvalidValueError` unless the channel is a ``grpc.Channel``.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        check_channel(channel)
        self._channel = channel
        self._lock = threading.Lock()
        self._calls: set[GrpcioCall] = set()
        self._failure: LLBError | None = None
        self._process = os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether new calls are accepted."""
        return self._failure is None

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Make a unary call and return its response; ``timeout`` is in seconds.

        Raises the errors of :meth:`llb.grpc.Channel.call`, and those of interceptors.
        """
        return single_response(self.stream(method, timeout=timeout, metadata=metadata), request)

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> GrpcioCall:
        """Start a call of any kind; its errors are raised when it sends or receives."""
        check_process(self._process)
        pairs = tuple(_to_grpcio(metadata))
        with self._lock:
            if self._failure is not None:
                raise self._failure
            call = GrpcioCall(
                find_method(method),
                self._channel,
                timeout=timeout,
                metadata=pairs,
                on_end=self._forget,
            )
            self._calls.add(call)
        call.start()
        return call

    def cancel(self) -> None:
        """Make all calls that were made here, and any later ones, raise CancelledError."""
        self._end(CancelledError("call was cancelled"))

    def close(self) -> None:
        """End all calls that were made here; a second call does nothing."""
        self._end(TransportError("connection was closed"))

    def _end(self, reason: LLBError) -> None:
        with self._lock:
            self._failure = self._failure or reason
            # The calls of a parent process are not those of a child.
            calls = list(self._calls) if os.getpid() == self._process else []
        for call in calls:
            call.fail(reason)

    def _forget(self, call: GrpcioCall) -> None:
        with self._lock:
            self._calls.discard(call)


def check_process(creator: int) -> None:
    """Raise TransportError in any other process than the creator's: calls of grpcio could hang."""
    if os.getpid() != creator:
        raise TransportError(
            "it was used before fork()",
            hint="create the channel and the client in the child process",
        )


def check_channel(channel: object) -> None:
    """Raise InvalidValueError unless a value is a ``grpc.Channel``."""
    if isinstance(channel, grpc.aio.Channel):
        raise InvalidValueError(
            "invalid channel: expected a grpc.Channel, not one of grpc.aio",
            hint="the client calls from threads; create it with grpc.insecure_channel or "
            "grpc.secure_channel",
        )
    if not isinstance(channel, grpc.Channel):
        raise InvalidValueError(
            f"invalid channel {channel!r}: expected a grpc.Channel",
            hint="create it with grpc.insecure_channel or grpc.secure_channel",
        )


def _to_grpcio(metadata: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str | bytes]]:
    """Convert metadata to that of grpcio, which encodes the bytes of a name with -bin itself."""
    for pair in metadata:
        name, value = checked_pair(pair[0].lower(), pair[1])
        if not name.endswith("-bin"):
            yield name, value
            continue
        try:
            yield name, a2b_base64(value + "=" * (-len(value) % 4))
        except Base64Error as error:
            raise InvalidValueError(
                f"invalid value {value!r} of metadata {name!r}: expected base64"
            ) from error
