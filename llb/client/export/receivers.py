"""Receivers of a build's results on the client, and the check that every result is complete."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from llb.client.export.outputs import Output
from llb.errors import InputError, LLBError, RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.grpc import ServerCall

_UNKNOWN = 2
# Transfers end with the session, but a receiver may still be writing what it has received.
_ABORT_SECONDS = 5.0


class Receiver(Output, Protocol):
    """The destination of one export, described by ``destination``; it takes effect on commit."""

    destination: str

    def receive(self, call: ServerCall) -> None:
        """Receive the daemon's data; raises InputError or TransportError."""


class Receivers:
    """The receivers of a build, by the number of their exporter, as one output.

    ``failures`` lists the errors while receiving, in order.
    """

    def __init__(self) -> None:
        self.failures: list[LLBError] = []
        self._receivers: dict[int, Receiver] = {}
        self._arrived: set[int] = set()
        self._in_progress: list[int] = []
        self._is_cancelled = False
        self._is_aborted = False
        self._changed = threading.Condition()

    def __bool__(self) -> bool:
        """Check whether there are any receivers."""
        return bool(self._receivers)

    def add(self, number: int, receiver: Receiver) -> None:
        """Register the receiver of an exporter."""
        self._receivers[number] = receiver

    def receive(self, number: int, call: ServerCall) -> None:
        """Dispatch a call of the daemon to its receiver. Raises RemoteError, for the daemon."""
        receiver = self._receivers.get(number)
        if receiver is None:
            raise RemoteError(f"unknown exporter {number}", code=_UNKNOWN)
        with self._changed:
            if self._is_closed():
                raise RemoteError("the build is over", code=_UNKNOWN)
            self._in_progress.append(number)
        try:
            receiver.receive(call)
            self._arrived.add(number)
        except (InputError, TransportError) as failure:
            self.failures.append(failure)
            raise RemoteError(failure.message, code=_UNKNOWN) from failure
        finally:
            with self._changed:
                self._in_progress.remove(number)
                is_late = self._is_closed()
                self._changed.notify_all()
            if is_late:
                receiver.abort()

    def check_complete(self, seconds: float) -> None:
        """Raise the first failure, or TransportError for a missing or incomplete result.

        A daemon that reports success may have sent the end of a tree just before, so transfers in
        progress have some ``seconds`` to complete. :meth:`cancel` ends the check.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_cancelled or not self._in_progress, seconds)
            if self._is_cancelled:
                return
            if self.failures:
                raise self.failures[0]
            missing = {*self._in_progress, *(self._receivers.keys() - self._arrived)}
        if missing:
            receiver = self._receivers[min(missing)]
            raise TransportError(
                f"the daemon reported success but did not send all of {receiver.destination}"
            )

    def commit(self, responses: Mapping[str, str]) -> None:
        """Put every result in place; raises OSError, LLBError."""
        for receiver in self._receivers.values():
            receiver.commit(responses)

    def cancel(self) -> None:
        """Stop waiting for results that will not be used."""
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Discard uncommitted results, also those that are still being written."""
        with self._changed:
            self._is_aborted = True
            self._changed.wait_for(lambda: not self._in_progress, _ABORT_SECONDS)
        for receiver in self._receivers.values():
            receiver.abort()

    def _is_closed(self) -> bool:
        return self._is_aborted
