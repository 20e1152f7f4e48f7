"""A session: gRPC served to the daemon, for as long as a build needs it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from llb.client.session.providers.health import Health
from llb.grpc import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client.session.providers.service import Service
    from llb.errors import LLBError
    from llb.grpc import Pipe

_HEADER = "x-docker-expose-session-"


class Session:
    """The services that a client offers to the daemon, under an id that Solve names.

    ``shared_key`` lets later sessions of the same kind find what was uploaded.
    """

    def __init__(
        self, services: Iterable[Service], *, shared_key: str = "", name: str = ""
    ) -> None:
        self.id = uuid.uuid4().hex
        self._services = (Health(), *services)
        self._handlers = {
            method: handler
            for service in self._services
            for method, handler in service.handlers().items()
        }
        self._shared_key = shared_key
        self._name = name
        self._server: Server | None = None

    @property
    def failures(self) -> tuple[LLBError, ...]:
        """What the services could not do, in order, but for what the connection did to them."""
        end = None if self._server is None else self._server.failure
        found = (failure for service in self._services for failure in service.failures)
        return tuple(failure for failure in found if failure is not end)

    def open(self, stream: Callable[[Iterable[tuple[str, str]]], Pipe]) -> None:
        """Have the stream opened by its metadata; :meth:`serve` answers what comes through it."""
        metadata = [
            (_HEADER + "uuid", self.id),
            (_HEADER + "name", self._name),
            (_HEADER + "sharedkey", self._shared_key),
            *((_HEADER + "grpc-method", method) for method in self._handlers),
        ]
        self._server = Server(stream(metadata), self._handlers)

    def serve(self) -> None:
        """Answer the daemon until the session is closed; raises TransportError when it breaks."""
        assert self._server is not None
        self._server.serve()

    def close(self) -> None:
        """End the session; a second call does nothing."""
        if self._server is not None:
            self._server.close()
