"""The driver ``docker``: the BuildKit inside a Docker, which every Docker context has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.client.connect.docker.contexts import endpoint_of
from llb.client.connect.docker.engine import Docker
from llb.client.connect.routes import docker_route
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client.builders.instance import BuilderNode, NodeStatus
    from llb.client.connect.routes import Route
    from llb.client.progress.events import Event


class DockerDriver:
    """The BuildKit of a Docker, which runs as long as Docker does."""

    has_default_load = True

    def __init__(self, node: BuilderNode) -> None:
        self._docker = Docker(endpoint_of(node.endpoint))
        self._address = f"docker://{node.endpoint}"

    def route(self) -> Route:
        """Choose the route to Docker's BuildKit."""
        return docker_route(self._address, self._docker)

    def status(self) -> NodeStatus:
        """Look whether Docker answers."""
        try:
            self._docker.ping()
        except TransportError:
            return "inactive"
        return "running"

    def start(self, on_event: Callable[[Event], None] | None) -> None:
        """Do nothing: Docker is started by others."""

    def stop(self) -> None:
        """Do nothing."""

    def remove(self, *, keep_state: bool) -> None:
        """Do nothing."""
