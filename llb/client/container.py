"""A BuildKit daemon in a Docker container, created and started on demand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.arguments.checked import checked, checked_init
from llb.arguments.conversions import Duration, to_seconds
from llb.buildkit_names import BUILDKIT_IMAGE
from llb.client.builders.docker_container import ContainerSettings, DockerContainer
from llb.client.client import Client
from llb.client.connect.address import DOCKER
from llb.client.connect.docker.contexts import find_endpoint
from llb.client.connect.docker.engine import Docker
from llb.client.connect.retry import retried
from llb.errors import ConnectError, InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from attrs import Attribute

    from llb.client.progress.events import Event

# Docker's own rule: a name has at least two characters.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+\Z")


def _check_name(container: BuildKitContainer, attribute: Attribute[str], name: str) -> None:  # noqa: ARG001
    if not _NAME.match(name):
        raise InvalidValueError(
            f"invalid container {name!r}: expected letters, digits, and _ . - after the first"
        )


@checked_init
@frozen
class BuildKitContainer:
    """A Docker container that runs BuildKit, by its name.

    Docker is the one that ``docker://`` finds, and its program is not needed. If the container does
    not exist it is created from ``image``, which must run ``buildkitd`` and contain ``buildctl``,
    on the Docker network ``network`` (by default Docker's default network). Docker pulls an image
    that it does not have. The build cache is a volume named after the container. The container is
    privileged, because BuildKit itself creates containers.
    """

    name: str = field(validator=_check_name)
    image: str = BUILDKIT_IMAGE
    network: str | None = None

    @property
    def address(self) -> str:
        """The container's address for a client."""
        return f"docker-container://{self.name}"

    @checked
    def start(
        self, *, timeout: Duration = 60.0, on_event: Callable[[Event], None] | None = None
    ) -> Client:
        """Create or start the container if necessary, and connect once BuildKit answers.

        ``on_event`` is called with the progress of a pull. ``timeout`` is for BuildKit alone. Raises
        ConnectError if Docker fails or nothing answers within ``timeout`` seconds, and InputError
        if the container exits.
        """
        container = self._container()
        container.start(
            ContainerSettings(
                self.image,
                lambda _: {"Privileged": True, "NetworkMode": self.network or "default"},
            ),
            on_event,
        )
        return retried(lambda: self._connect(container), to_seconds(timeout))

    def stop(self) -> bool:
        """Stop the container but keep its cache; return whether it ran. Raises ConnectError."""
        return self._container().stop()

    def remove(self) -> bool:
        """Remove the container, running or not, and its cache; return whether it existed.

        Raises ConnectError.
        """
        return self._container().remove()

    def _container(self) -> DockerContainer:
        return DockerContainer(Docker(find_endpoint(DOCKER)), self.name)

    def _connect(self, container: DockerContainer) -> Client:
        try:
            return Client(self.address)
        except ConnectError:
            output = container.last_output()
            if output is None:
                raise
            raise InputError(
                f"the container {self.name} ended before a BuildKit answered: {output}",
                hint="its image must run buildkitd; remove it with "
                f"`llb daemon stop --container {self.name} --remove`",
            ) from None
