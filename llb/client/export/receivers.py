"""What takes the results of a build on the client, and whether they came whole."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from llb.client.export.outputs import Output
from llb.errors import InputError, LLBError, RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.grpc import ServerCall

_UNKNOWN = 2


class Receiver(Output, Protocol):
    """Where one export goes, ``destination`` in words; what came counts once it is committed."""

    destination: str

    def receive(self, call: ServerCall) -> None:
        """Take what the daemon sends; raises InputError or TransportError."""


class Receivers:
    """The receivers of a build by the number of their exporter, as one output.

    ``failures`` are what could not be received, in order.
    """

    def __init__(self) -> None:
        self.failures: list[LLBError] = []
        self._receivers: dict[int, Receiver] = {}
        self._arrived: set[int] = set()
        self._under_way: list[int] = []
        self._changed = threading.Condition()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._receivers)

    def add(self, number: int, receiver: Receiver) -> None:
        """Add the receiver of an exporter."""
        self._receivers[number] = receiver

    def receive(self, number: int, call: ServerCall) -> None:
        """Have a call of the daemon received. Raises RemoteError, for the daemon."""
        receiver = self._receivers.get(number)
        if receiver is None:
            raise RemoteError(f"there is no exporter {number} to send to", code=_UNKNOWN)
        with self._changed:
            self._under_way.append(number)
        try:
            receiver.receive(call)
            self._arrived.add(number)
        except (InputError, TransportError) as failure:
            self.failures.append(failure)
            raise RemoteError(str(failure), code=_UNKNOWN) from failure
        finally:
            with self._changed:
                self._under_way.remove(number)
                self._changed.notify_all()

    def check_complete(self, seconds: float) -> None:
        """Raise what failed, or TransportError for a result that did not come, or not to its end.

        A daemon that reports success may have sent the end of a tree a moment before:
        transfers under way have some ``seconds`` for it.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, seconds)
            if self.failures:
                raise self.failures[0]
            missing = {*self._under_way, *(self._receivers.keys() - self._arrived)}
        if missing:
            receiver = self._receivers[min(missing)]
            raise TransportError(
                f"the daemon reported success, and did not send all of {receiver.destination}"
            )

    def commit(self, answers: Mapping[str, str]) -> None:
        """Put every result in its place; raises OSError, LLBError."""
        for receiver in self._receivers.values():
            receiver.commit(answers)

    def abort(self) -> None:
        """Throw away what is not in its place."""
        for receiver in self._receivers.values():
            receiver.abort()
