"""The interface of drivers, and the choice of one by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llb._lazy import lazy_imports
from llb.errors import InvalidValueError, did_you_mean

with lazy_imports(__name__):
    from llb.client.builders.drivers import container, docker, remote  # 30 ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client.builders.instance import BuilderNode, NodeStatus
    from llb.client.connect.routes import Route
    from llb.client.progress.events import Event

DRIVERS = ("docker-container", "remote")
"""The drivers of the builders that users create."""


class Driver(Protocol):
    """The daemon of one node. Methods raise ConnectError."""

    has_default_load: bool
    """Whether a build without an output loads its result into Docker."""

    def route(self) -> Route:
        """Choose the route to the daemon."""

    def status(self) -> NodeStatus:
        """Look whether the daemon runs."""

    def start(self, on_event: Callable[[Event], None] | None) -> None:
        """Create and start the daemon if necessary; it may still be starting then."""

    def stop(self) -> None:
        """Stop the daemon, if the driver manages it."""

    def remove(self, *, keep_state: bool) -> None:
        """Remove the daemon, if the driver manages it; its state only without ``keep_state``."""


def driver_of(name: str, node: BuilderNode) -> Driver:
    """Create the driver of a node. Raises InvalidValueError for options that it does not take."""
    match name:
        case "docker-container":
            return container.ContainerDriver(node)
        case "remote":
            return remote.RemoteDriver(node)
        case "docker":
            return docker.DockerDriver(node)
    raise InvalidValueError(
        f"unknown driver {name!r}: expected {' or '.join(DRIVERS)}",
        hint=did_you_mean(name, DRIVERS),
    )
