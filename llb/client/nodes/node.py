"""A daemon of a client, whose connection opens when it is needed first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from llb.client.builds.daemon_capabilities import DaemonCapabilities
from llb.client.connect.control import Control
from llb.errors import LLBError
from llb.grpc import forks

if TYPE_CHECKING:
    from llb.client.connect.routes import NodeRoute
    from llb.platforms import Platform


class Node:
    """A daemon: its name, the platforms assigned to it, and its connection.

    ``is_named`` is whether errors tell its name, which one daemon alone does not need.
    """

    def __init__(self, route: NodeRoute, *, is_named: bool) -> None:
        self.name = route.name
        self.platforms = tuple(platform.normalize() for platform in route.platforms)
        self.registries = route.registries
        self.capabilities = DaemonCapabilities()
        self._route = route
        self._is_named = is_named
        self._control: Control | None = None
        self._lock = threading.Lock()
        forks.register(self)

    @property
    def control(self) -> Control:
        """The control API, over a connection that is opened once. Raises ConnectError."""
        with self._lock:
            if self._control is None:
                try:
                    self._control = Control(self._route.choose())
                except LLBError as error:
                    if self._is_named:
                        error.message = f"node {self.name}: {error.message}"
                    raise
            return self._control

    def offered(self) -> tuple[Platform, ...]:
        """Ask for the platforms of its workers, the native one first."""
        workers = self.control.workers(())
        return tuple(platform for worker in workers for platform in worker.platforms)

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._control is not None:
            self._control.close()

    def after_fork(self) -> None:
        """Replace a lock that another thread of the parent may hold."""
        self._lock = threading.Lock()
