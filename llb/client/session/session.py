"""The session of a build: a gRPC server for the daemon, for the duration of the build."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from llb.client.session.providers.health import Health
from llb.grpc import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client.session.providers.service import Service
    from llb.grpc import Pipe

_HEADER = "x-docker-expose-session-"


class Session:
    """The services that a client offers to the daemon, under the session id in Solve.

    ``shared_key`` lets later sessions with the same key reuse uploaded files.
    """

    def __init__(
        self, services: Iterable[Service], *, shared_key: str = "", name: str = ""
    ) -> None:
        self.id = uuid.uuid4().hex
        self.health = Health()
        self._services = (self.health, *services)
        self._handlers = {
            method: handler
            for service in self._services
            for method, handler in service.handlers().items()
        }
        self._shared_key = shared_key
        self._name = name
        self._server: Server | None = None

    @property
    def failures(self) -> tuple[Exception, ...]:
        """The services' failures, in order, except those caused by the end of the connection."""
        connection_failure = None if self._server is None else self._server.failure
        failures = (failure for service in self._services for failure in service.failures)
        return tuple(failure for failure in failures if failure is not connection_failure)

    def open(
        self,
        open_stream: Callable[[Iterable[tuple[str, str]]], Pipe],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Open the stream with the session's metadata; :meth:`serve` answers calls on it.

        ``on_error`` gets unexpected exceptions of the services.
        """
        metadata = [
            (_HEADER + "uuid", self.id),
            (_HEADER + "name", self._name),
            (_HEADER + "sharedkey", self._shared_key),
            *((_HEADER + "grpc-method", method) for method in self._handlers),
        ]
        self._server = Server(open_stream(metadata), self._handlers, on_error=on_error)

    def serve(self) -> None:
        """Serve the daemon until the session is closed; raises TransportError if it breaks."""
        assert self._server is not None
        self._server.serve()

    def close(self) -> None:
        """Close the session; a second call does nothing."""
        if self._server is not None:
            self._server.close()
